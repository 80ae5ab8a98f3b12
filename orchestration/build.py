"""Runs dbt on the vault, in a process of its own, so that no lock outlives it."""

import ctypes
import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestration.errors import FlowgrainError
from orchestration.floor_guard.project import check_parsed, pin, refuse
from orchestration.floor_guard.rules import Finding
from orchestration.home import PROJECT, Home, ask_for_room
from orchestration.landing.door import open_vault, plain_errors

# linux/prctl.h
PR_SET_PDEATHSIG = 1
# What dbt needs of its surroundings; what else stands there is no business of a model or its yml.
INHERITED = (
    "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "NO_COLOR", "PATH", "PYTHONPATH", "SYSTEMROOT",
    "TERM", "TMPDIR", "TZ", "VIRTUAL_ENV",
)  # fmt: skip
OUR_OWN = ("FLOWGRAIN_", "DBT_")
# What an organisation need not have: it is empty then.
OPTIONAL_SEEDS = (
    "ai_rollouts.csv", "ai_tool_prices.csv", "ai_value_assumptions.csv", "targets.csv",
)  # fmt: skip
# Addresses hold passwords, and the key makes people of keys: no model may come by them.
SECRETS = (
    "FLOWGRAIN_ALERT_WEBHOOK", "FLOWGRAIN_DEVLAKE", "FLOWGRAIN_KEY_FILE", "FLOWGRAIN_PUBLISHED_TO",
)  # fmt: skip


def dbt_environment(home: Home) -> dict[str, str]:
    """Environment in which dbt writes below the vault only, and tells nobody."""
    profile = PROJECT / "profiles.yml"
    return {
        **{name: value for name, value in os.environ.items() if _is_handed_on(name)},
        "FLOWGRAIN_HOME": str(home.root),
        "DBT_PROJECT_DIR": str(PROJECT),
        "DBT_PROFILES_DIR": str(PROJECT if profile.exists() else _example_profile(home)),
        "DBT_TARGET_PATH": str(home.target),
        "DBT_LOG_PATH": str(home.ops / "logs"),
        "FLOWGRAIN_ORGANISATION": _organisation(),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


def _is_handed_on(name: str) -> bool:
    return name in INHERITED or (name.startswith(OUR_OWN) and name not in SECRETS)


def _organisation() -> str:
    """Folder of the organisation seeds, relative to the project.

    dbt writes what it compiles of a seed below `target/` at the seed's own path: an absolute path
    would end in the user's files. So a folder from elsewhere is copied in.
    """
    given = os.environ.get("FLOWGRAIN_ORGANISATION")
    if not given:
        return "seeds/organisation"
    folder = (PROJECT / given).resolve()
    if not folder.is_dir():
        raise FlowgrainError(
            f"FLOWGRAIN_ORGANISATION: {folder} is no folder", "Draft one with `flowgrain init`"
        )
    missing = [seed for seed in OPTIONAL_SEEDS if not (folder / seed).exists()]
    if folder.is_relative_to(PROJECT) and not missing:
        return str(folder.relative_to(PROJECT))
    files = sorted(folder.glob("*.csv"))
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + file.read_bytes())
    copy = PROJECT / ".organisation" / digest.hexdigest()[:12]
    copy.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copyfile(file, copy / file.name)
    for seed in missing:
        header = (PROJECT / "seeds/organisation" / seed).read_text(encoding="utf-8").split("\n")[0]
        (copy / seed).write_text(header + "\n", encoding="utf-8")
    return str(copy.relative_to(PROJECT))


def _example_profile(home: Home) -> Path:
    folder = home.ops / "profiles"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "profiles.yml").write_text((PROJECT / "profiles.yml.example").read_text())
    return folder


def run_dbt(home: Home, *arguments: str, quiet: bool = True) -> subprocess.CompletedProcess[str]:
    """One dbt command on the project, its output captured.

    Raises FlowgrainError where the disk is full: dbt would say so in the midst of a traceback.
    """
    command = [
        str(Path(sys.executable).with_name("dbt")),
        *(["--quiet"] if quiet else []),
        *arguments,
    ]
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env=dbt_environment(home),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,
    )
    if done.returncode and os.strerror(errno.ENOSPC) in done.stdout:
        raise FlowgrainError(f"The disk of {home.root} is full", "Free space, then run it again")
    return done


def dbt() -> None:
    """Become dbt, and end with whoever started it: Dagster's own way to run dbt would leave it."""
    if sys.platform == "linux":
        _end_with_parent()
    program = Path(sys.executable).with_name("dbt")
    # Dagster hands on all that it has: what is no business of a model stays here.
    handed = {name: value for name, value in os.environ.items() if _is_handed_on(name)}
    os.execve(program, [str(program), *sys.argv[1:]], handed)


def _end_with_parent() -> None:
    """Whoever kills us kills dbt, which would hold the vault on."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def build(home: Home, *, target: str = "dev") -> dict[str, int]:
    """Build and test every model; return how many nodes of each kind there were.

    Unit tests belong to `make test`. Raises FlowgrainError with dbt's own words where it fails.
    """
    home.prepare()
    if not home.vault.exists():
        raise FlowgrainError(
            "Nothing has landed yet", "Run `flowgrain land demo`, or land your own sources first"
        )
    with home.writing():
        prepare_build(home, target=target)
        done = run_dbt(home, "build", "--target", target, "--exclude-resource-type", "unit_test")
    if done.returncode:
        raise FlowgrainError(
            "dbt build failed:\n" + _essence(done.stdout),
            f"The whole log is in {home.ops / 'logs'}",
        )
    results = json.loads((home.target / "run_results.json").read_text())["results"]
    kinds: dict[str, int] = {}
    for result in results:
        kind = result["unique_id"].split(".")[0]
        kinds[kind] = kinds.get(kind, 0) + 1
    return kinds


def prepare_build(home: Home, *, target: str) -> None:
    """Ask, before dbt runs, what the project's Jinja may call, and whether the landing is sound.

    To be called under the writer's lock. Raises FlowgrainError with the code of the rule that
    refuses, where what landed is not as expected, or where the vault has no room or cannot be
    opened: dbt would answer that with a traceback.
    """
    # The expectations know the organisation's seeds from here.
    from orchestration.validation.landed import refuse_held

    ask_for_room(home.vault)
    with plain_errors(home):
        open_vault(home).close()
    manifest = _manifest(home, "parse", "--target", target)
    refuse(check_parsed(manifest, PROJECT))
    refuse_held(home, manifest)


def compile_project(
    home: Home,
    *,
    target: str = "dev",
    pins: bool = False,
    tell: Callable[[list[Finding]], None] = refuse,
) -> dict[str, Any]:
    """Compile the project for a target beside an empty database, and return dbt's manifest.

    Nothing of the vault is read: what the project's Jinja may call is asked before any of it runs
    with a database at hand. `pins` pins the guard as it stands; `tell` takes what is found before
    and raises. Raises FlowgrainError with the rule's code, or with dbt's own words.
    """
    home.prepare()
    empty = Home(home.ops / "check")
    with empty.writing():
        parsed = _manifest(empty, "parse", "--target", target)
        if pins:
            pin(parsed, PROJECT)
        tell(check_parsed(parsed, PROJECT))
        return _manifest(empty, "compile", "--target", target)


def _manifest(home: Home, *command: str) -> dict[str, Any]:
    """What dbt writes about the project after a command that builds nothing."""
    done = run_dbt(home, *command)
    if done.returncode:
        raise FlowgrainError(
            f"dbt cannot {command[0]} the project:\n" + _essence(done.stdout),
            "Put the model right that it names; if a package is missing, run `make install`",
            rule="C03",
        )
    manifest: dict[str, Any] = json.loads((home.target / "manifest.json").read_text())
    return manifest


def _essence(output: str) -> str:
    """The lines that say what failed, without colour."""
    # What DuckDB's binding says at a bad end comes after it, and helps nobody.
    output = output.split("\nnanobind: ")[0].replace("\x1b[0m", "")
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    return "\n".join(lines[-40:])
