"""Rules S01 to S03: the vault and the published database are two places, and stay so."""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from orchestration.errors import FlowgrainError
from orchestration.floor_guard.constants import MINIMUM_PEOPLE
from orchestration.floor_guard.rules import Rule, apply
from orchestration.home import Home


@dataclass(frozen=True)
class Environment:
    """Where a release is made from, where it goes, and for which target."""

    home: Home
    target: str


def check_environment(environment: Environment) -> list[str]:
    """Hold folders and files against S01; return the codes that passed."""
    return apply(RULES, environment)


def minimum_people() -> int:
    """Return k of this installation: 5, or more where FLOWGRAIN_MINIMUM_PEOPLE raises it.

    Raises FlowgrainError (C19) for anything but a whole number from 5 on: k is never lowered.
    """
    given = os.environ.get("FLOWGRAIN_MINIMUM_PEOPLE")
    if given is None:
        return MINIMUM_PEOPLE
    if not re.fullmatch(r"[0-9]{1,4}", given) or int(given) < MINIMUM_PEOPLE:
        raise FlowgrainError(
            f"FLOWGRAIN_MINIMUM_PEOPLE is no whole number from {MINIMUM_PEOPLE} on",
            "Leave it out, or raise it, e.g. to 8",
            rule="C19",
        )
    return int(given)


def bus_factor_is_banded() -> bool:
    """Say whether bus factors are told as fragile or not, as FLOWGRAIN_PUBLISH_BUS_FACTOR wants.

    Raises FlowgrainError (C19) for anything but `integer`, which it is by default, and `band`.
    """
    given = os.environ.get("FLOWGRAIN_PUBLISH_BUS_FACTOR", "integer")
    if given not in ("integer", "band"):
        raise FlowgrainError(
            "FLOWGRAIN_PUBLISH_BUS_FACTOR is neither integer nor band",
            "Leave it out, or say band",
            rule="C19",
        )
    return given == "band"


def has_one_owner(home: Home) -> bool:
    """Say whether one account owns both sides, which is for development only."""
    return _owner(home.vault.parent) == _owner(home.published.parent)


def _owner(folder: Path) -> int:
    """Account to which the folder belongs, or would if it were made now."""
    return folder.stat().st_uid if folder.exists() else os.geteuid()


def _places_are_apart(environment: Environment) -> None:
    home = environment.home
    folders = (home.door, home.vault.parent, home.ops, home.published.parent)
    for path in (*folders, home.vault, home.published, home.release_report):
        if path.is_symlink():
            raise FlowgrainError(
                f"{path} is a link", "Put the real folder or file in its place", rule="S01"
            )
    published = home.published.parent.resolve()
    for folder in (home.door.resolve(), home.vault.parent.resolve()):
        if published == folder or folder in published.parents or published in folder.parents:
            raise FlowgrainError(
                f"{published} and {folder} are not apart",
                "Give the published database a folder of its own",
                rule="S01",
            )
    if home.vault.exists() and home.published.exists() and home.vault.samefile(home.published):
        raise FlowgrainError(
            f"{home.vault} and {home.published} are one file",
            f"Delete {home.published}, then publish again",
            rule="S01",
        )


def _vault_is_closed_to_others(environment: Environment) -> None:
    home = environment.home
    for folder in (home.door, home.vault.parent, home.ops):
        if not folder.exists():
            continue
        mode = stat.S_IMODE(folder.stat().st_mode)
        if mode != 0o700:
            raise FlowgrainError(
                f"{folder} has mode {mode:04o}",
                f"Find out who read it, then chmod 0700 {folder}",
                rule="S01",
            )


def _prod_has_two_owners(environment: Environment) -> None:
    if environment.target == "prod" and has_one_owner(environment.home):
        raise FlowgrainError(
            "Target prod needs two accounts: one owns the vault, another the published folder",
            "Give them two owners, or publish with target dev",
            rule="S01",
        )


def _the_floor_is_not_lowered(_: Environment) -> None:
    minimum_people()
    bus_factor_is_banded()


RULES = (
    Rule("S01", _places_are_apart),
    Rule("S01", _vault_is_closed_to_others),
    Rule("S01", _prod_has_two_owners),
    Rule("C19", _the_floor_is_not_lowered),
)
