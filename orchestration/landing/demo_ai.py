"""AI assistants in the invented organisation: who got them when, and what changed with them.

Nothing here draws from the demo's other random numbers, and what it moves is the hours of
changes of the teams that got the tools: everything else stays as it is without them.
"""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Protocol

import numpy as np

from orchestration.home import PROJECT

DAY = 24 * 3600
HOUR = 3600
# A change counts as come back within this many days; some room for what merges late.
SETTLED = 13 * DAY
TRAILER = "\n\nCo-authored-by: Copilot <copilot@assistant.invalid>"
REMARK = "\n\nGenerated with Copilot"


class Plan(Protocol):
    """A change as planned, as far as the tools move it: seconds of work and boundaries."""

    team: str
    is_tracked: bool
    active: list[int]

    @property
    def boundaries(self) -> list[int]:
        """Positions of start, ready, approved, merged, deployed."""


class Lived(Protocol):
    """What became of it: positions of commits and of statuses."""

    commits: list[int]
    statuses: list[tuple[int, str]]
    opened: int


@cache
def _patterns() -> list[tuple[str, str]]:
    path = PROJECT / "seeds/mapping/risk_zones.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [(row["path_pattern"].replace("%", "*"), row["zone"]) for row in rows]


def zone_of(paths: Iterable[str]) -> str:
    """Riskiest zone of some paths: red, yellow or green, by seeds/mapping/risk_zones.csv."""
    touched = list(paths)
    zones = {zone for p, zone in _patterns() if any(fnmatchcase(path, p) for path in touched)}
    return next((zone for zone in ("red", "yellow") if zone in zones), "green")


def speed_up(change: Plan, life: Lived, share: float) -> None:
    """Move a share of the hours of Dev to Review: what is written faster is read for longer.

    The whole stays as long as it was. `change` and `life` are changed in place.
    """
    begin, ready, *_ = change.boundaries
    paused = next((p for p, status in life.statuses if status == "On hold"), begin)
    resumed = next(
        (p for p, status in life.statuses if status == "In progress" and p > paused), paused
    )
    looked = min(p for p, status in life.statuses if status == "In review")
    shift = int(share * (ready - begin - (resumed - paused)))

    def moved(position: int) -> int:
        if position <= paused:
            return begin + int((1 - share) * (position - begin))
        if position < ready:
            hold = resumed - paused
            return moved(paused) + hold + int((1 - share) * max(0, position - resumed))
        return position - shift if position <= looked else position

    def committed(position: int) -> int:
        # A commit vouches for the hour before it, which lies inside its session.
        start = begin if position <= paused else moved(paused) + resumed - paused
        return max(moved(position), min(position, start + HOUR))

    change.active[0] -= shift
    change.active[1] += shift
    in_dev = [p for p in life.commits if p <= ready]
    later = [p for p in life.commits if p > ready]
    last = change.boundaries[1]
    life.commits = [min(committed(p), last) for p in in_dev] + later
    life.opened = min(committed(life.opened), last)
    life.statuses = [
        (moved(p) if p < ready else p - shift if p <= looked else p, status)
        for p, status in life.statuses
    ]


class Assistance:
    """Which changes an assistant helped with, how they say so, and which of them came back."""

    def __init__(self, planted: dict[str, Any], rollouts: dict[str, int], seed: int) -> None:
        """Take the planted shares, and the moment at which each team got the tools."""
        self._planted = planted
        self._rollouts = rollouts
        # Numbers of its own, so that all others stay as they are.
        self._rng = np.random.default_rng([seed, 3])
        self._returning: dict[str, list[tuple[str, int]]] = defaultdict(list)

    def has_tools(self, team: str, moment: int) -> bool:
        """Whether a team had the tools at a moment."""
        return moment >= self._rollouts.get(team, 1 << 40)

    def marks(self, team: str, moment: int, paths: Iterable[str]) -> tuple[bool, str, str]:
        """Whether a merged change was assisted, what its text and what its merge say of that."""
        shares = self._planted["assisted" if self.has_tools(team, moment) else "assisted_before"]
        is_assisted = bool(self._rng.random() < shares[zone_of(paths)])
        in_text = bool(self._rng.random() < 0.5)
        if not is_assisted:
            return False, "", ""
        return (True, REMARK, "") if in_text else (True, "", TRAILER)

    def merged(self, repository: str, change_id: str, moment: int, is_assisted: bool) -> None:
        """Decide whether a change that merged will be taken back."""
        share = self._planted["returning"]["assisted" if is_assisted else "other"]
        if self._rng.random() < share:
            self._returning[repository].append((change_id, moment))

    def taken_back(self, repository: str, moment: int) -> str:
        """What a change that merges says of an earlier one that it takes back; mostly nothing."""
        waiting = self._returning[repository]
        for change_id, merged in waiting:
            if merged < moment <= merged + SETTLED:
                waiting.remove((change_id, merged))
                return f"\n\nReverts #{change_id}"
        return ""


def licences(planted: dict[str, Any], quarter: Callable[[int], date]) -> list[dict[str, object]]:
    """Rows of who has seats of which tool, given the first Monday of each quarter."""
    rows = []
    for licence in planted["licences"]:
        end: dict[str, int] | None = licence.get("ends")
        last = quarter(end["quarter"]) + timedelta(days=end["after_days"]) if end else None
        rows.append(
            {name: licence[name] for name in ("team", "tool", "seats")}
            | {"valid_from": midnight(quarter(licence["quarter"])), "valid_to": midnight(last)}
        )
    return rows


def uses(
    planted: dict[str, Any],
    number: int,
    begin: date,
    present: Callable[[str, int, int], list[Any]],
    rng: np.random.Generator,
) -> Iterable[dict[str, object]]:
    """Rows of who used what in the weeks of a quarter, given its number and first Monday.

    Whoever has a second login uses both, and whoever has a second tool both tools.
    """
    end = begin + timedelta(weeks=13)
    moments = [int(datetime.fromisoformat(midnight(day)).timestamp()) for day in (begin, end)]
    for team, count in planted["users"].items():
        held = [row for row in planted["licences"] if row["team"] == team]
        tools = [row["tool"] for row in held if row["quarter"] <= number]
        people = present(team, moments[0], moments[1])[: count if tools else 0]
        for week in range(13):
            monday = midnight(begin + timedelta(weeks=week))
            for person in people:
                if rng.random() < planted["used_weeks"]:
                    for account in filter(None, (person.login, person.second_login)):
                        for tool in tools:
                            row = {"account": account, "team": team, "tool": tool}
                            yield row | {"week_start": monday}


def midnight(day: date | None) -> str:
    """Begin of a day as the contract wants it; empty where there is none."""
    return f"{datetime.combine(day, time()):%Y-%m-%dT%H:%M:%SZ}" if day else ""
