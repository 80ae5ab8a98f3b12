"""The invented organisation of the demo: its seeds, and a year and a half of its events.

A change is planned backwards from its deployment, in working seconds of its team's calendar: so
many active and so many waiting in each stage. Waiting is scaled until each value stream's shares
are those of demo.yml, then told as commits, reviews, statuses and deployments.
"""

import csv
import hashlib
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import yaml

from orchestration.landing.contract import entities
from orchestration.landing.demo_ai import Assistance, licences, speed_up, uses
from orchestration.landing.demo_dependencies import Item, Stall, links
from orchestration.landing.demo_headcounts import tell_headcounts
from orchestration.landing.demo_outcomes import initiatives
from orchestration.landing.demo_quality import QualityTelling, Systems
from orchestration.landing.demo_surveys import Surveys

FILE = Path(__file__).with_name("demo.yml")
HOUR = 3600
# A commit vouches for the hour before it, a review for half an hour: active time is told so that
# these lie inside it. A hold shows between two commits only if they are more than 8 hours apart.
SHORTEST_HOLD = 7.5
LONGEST_STEP = 5.5
# Least active hours per stage, with a tracker item and without; a second round takes more.
FLOORS = {True: (3.0, 1.0, 1.0, 0.25), False: (3.0, 0.5, 0.0, 0.0)}
SECOND_ROUND_FLOOR = {True: 2.5, False: 2.0}
# Time around the demo that clocks must reach, for work that starts early and ends late.
MARGIN = timedelta(days=400)


@cache
def parameters() -> dict[str, Any]:
    """Everything that demo.yml says."""
    document: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return document


def planted_dirt() -> dict[str, dict[str, int]]:
    """Broken rows by entity and quarantine reason, so that a test can count what was set aside."""
    broken: dict[str, dict[str, int]] = defaultdict(dict)
    for entry in parameters()["dirt"]["broken"]:
        reasons = broken[entry["entity"]]
        reasons[entry["reason"]] = reasons.get(entry["reason"], 0) + entry["rows"]
    return dict(broken)


def quarter_start(number: int) -> date:
    """First Monday of a quarter of the demo, counted from 1."""
    year, quarter = parameters()["calendar"]["first_quarter"]
    index = quarter - 1 + number - 1
    return date.fromisocalendar(year + index // 4, 1 + 13 * (index % 4), 1)


def loaded_to() -> datetime:
    """Where the extract ends; work that is under way then stays unfinished."""
    calendar = parameters()["calendar"]
    end = quarter_start(calendar["quarters"] + 1) + timedelta(days=calendar["days_after"])
    return datetime.combine(end, time(), UTC)


def write_demo(folder: Path, *, scale: float = 1.0, seed: int | None = None) -> None:
    """Write the demo's extract: one CSV per entity, extract.csv and identities.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = parameters()["seed"] if seed is None else seed
    with Tables(folder, np.random.default_rng([chosen, 1])) as tables:
        Telling(tables, np.random.default_rng([chosen, 2]), chosen).tell(scale)
    _write(folder / "extract.csv", ("loaded_to",), [(_text(int(loaded_to().timestamp())),)])


def write_organisation(folder: Path) -> None:
    """Write the organisation's seeds: `organisation/` and `mapping/status_map.csv` of a folder."""
    for name in ("organisation", "mapping"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, (header, rows) in _organisation_seeds().items():
        _write(folder / "organisation" / f"{name}.csv", header, rows)
    statuses = [(status, *kind) for status, kind in parameters()["statuses"].items()]
    _write(folder / "mapping/status_map.csv", ("status", "stage", "activity"), statuses)


Table = tuple[tuple[str, ...], list[tuple[object, ...]]]


def _organisation_seeds() -> dict[str, Table]:
    everything = parameters()
    streams, teams, calendars = (
        everything[name] for name in ("value_streams", "teams", "calendars")
    )
    return {
        "value_streams": (
            ("value_stream_key", "value_stream_label"),
            [(key, stream["label"]) for key, stream in streams.items()],
        ),
        "teams": (
            ("team_key", "team_label", "calendar_key"),
            [(key, team["label"], team["calendar"]) for key, team in teams.items()],
        ),
        "team_value_streams": (
            ("team_key", "value_stream_key", "valid_from", "valid_to"),
            _validities({k: team["stream"] for k, team in teams.items()}, _moves("teams")),
        ),
        **_system_seeds(),
        "ai_rollouts": (
            ("team_key", "step", "started_on"),
            [(t, "tools", quarter_start(q)) for t, q in everything["ai"]["rollouts"].items()],
        ),
        "ai_tool_prices": _listed(everything["ai"]["prices"]),
        "ai_value_assumptions": _listed(everything["ai"]["assumptions"]),
        "calendars": (
            ("calendar_key", "time_zone", "weekday", "opens", "closes"),
            [
                (key, calendar["time_zone"], weekday, calendar["opens"], calendar["closes"])
                for key, calendar in calendars.items()
                for weekday in range(1, 6)
            ],
        ),
        "holidays": (
            ("calendar_key", "holiday_date"),
            [(key, day) for key, calendar in calendars.items() for day in calendar["holidays"]],
        ),
        "targets": _listed(everything["targets"]),
    }


def _listed(rows: list[dict[str, object]]) -> Table:
    return tuple(rows[0]), [tuple(row.values()) for row in rows]


def _system_seeds() -> dict[str, Table]:
    known_from = parameters()["calendar"]["known_from"]
    systems = _systems()
    owners = {system.key: system.owner for system in systems.values()}
    return {
        "systems": (
            ("system_key", "system_label", "criticality", "is_revenue_critical"),
            [(s.key, s.label, s.criticality, str(s.revenue).lower()) for s in systems.values()],
        ),
        "system_paths": (
            ("repository", "path_prefix", "system_key", "valid_from", "valid_to"),
            [(s.repository, s.prefix, s.key, known_from, "") for s in systems.values()],
        ),
        "system_owners": (
            ("system_key", "team_key", "valid_from", "valid_to"),
            _validities(owners, _moves("systems")),
        ),
    }


def tool_rollouts() -> dict[str, int]:
    """Moment at which each team got AI assistants: the first Monday of a quarter."""
    rollouts = parameters()["ai"]["rollouts"]
    starts = {team: quarter_start(quarter) for team, quarter in rollouts.items()}
    return {t: int(datetime.combine(d, time(), UTC).timestamp()) for t, d in starts.items()}


def _moves(kind: str) -> dict[str, str]:
    moves: dict[str, str] = parameters()["planted"]["reorganisation"][kind]
    return moves


def _validities(before: dict[str, str], moves: dict[str, str]) -> list[tuple[object, ...]]:
    """Who belonged where and when: half-open, the open end empty."""
    known_from = parameters()["calendar"]["known_from"]
    moved = quarter_start(parameters()["planted"]["reorganisation"]["quarter"])
    rows: list[tuple[object, ...]] = []
    for key, place in before.items():
        rows.append((key, place, known_from, moved if key in moves else ""))
        if key in moves:
            rows.append((key, moves[key], moved, ""))
    return rows


def _place(key: str, before: str, kind: str, quarter: int) -> str:
    """Where something belongs in a quarter."""
    moved = quarter >= parameters()["planted"]["reorganisation"]["quarter"]
    return _moves(kind).get(key, before) if moved else before


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _text(moment: int | None) -> str:
    """A moment as the contract wants it; empty where there is none."""
    return "" if moment is None else f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True)
class System:
    """A system as demo.yml has it; `owner` is its first team."""

    key: str
    label: str
    repository: str
    prefix: str
    criticality: str
    revenue: bool
    owner: str

    @property
    def paths(self) -> list[str]:
        """Files that its changes touch."""
        folder = self.prefix or "src/"
        nouns = parameters()["words"]["nouns"]
        parts = ("model", "view", "test")
        return [f"{folder}{noun}_{part}.py" for noun in nouns for part in parts]


@cache
def _systems() -> dict[str, System]:
    return {
        entry["key"]: System(**entry, owner=key)
        for key, team in parameters()["teams"].items()
        for entry in team["systems"]
    }


class WorkingClock:
    """Working seconds of a calendar: positions instead of moments, for planning without nights."""

    def __init__(self, key: str) -> None:
        """Lay out every working day that the demo may touch."""
        calendar = parameters()["calendars"][key]
        zone = ZoneInfo(calendar["time_zone"])
        opens, closes = (time.fromisoformat(calendar[end]) for end in ("opens", "closes"))
        self._opens: list[int] = []
        self._worked: list[int] = []
        worked, day = 0, quarter_start(1) - MARGIN
        while day < loaded_to().date() + MARGIN:
            if day.weekday() < 5 and day not in calendar["holidays"]:
                start = int(datetime.combine(day, opens, zone).timestamp())
                self._opens.append(start)
                self._worked.append(worked)
                worked += int(datetime.combine(day, closes, zone).timestamp()) - start
            day += timedelta(days=1)
        self._day = worked // len(self._opens)

    def position(self, moment: int) -> int:
        """Working seconds before a moment."""
        index = bisect_right(self._opens, moment) - 1
        return self._worked[index] + min(moment - self._opens[index], self._day)

    def moment(self, position: int) -> int:
        """The moment at which so many working seconds have passed."""
        index = bisect_right(self._worked, position) - 1
        return self._opens[index] + position - self._worked[index]


@dataclass(frozen=True, eq=False)
class Person:
    """An invented person, from joining until leaving; `weight` is how much they take on."""

    login: str
    second_login: str | None
    joins: int
    leaves: int
    weight: float


class Roster:
    """Who works in which team."""

    def __init__(self, rng: np.random.Generator) -> None:
        """Invent people enough for every seat, and successors of those who leave."""
        names = parameters()["names"]
        self._names = [f"{first}.{last}" for first in names["first"] for last in names["last"]]
        self._order = iter(rng.permutation(len(self._names)).tolist())
        self._rng = rng
        self.teams = {key: self._team(key) for key in parameters()["teams"]}

    def _team(self, key: str) -> list[Person]:
        planted = parameters()["planted"]
        size, every = parameters()["teams"][key]["size"], planted["second_login_every"]
        people = [self._person(size >= 9 and seat % every == 3) for seat in range(size)]
        if quarter := planted["leavers"].get(key):
            end = quarter_start(quarter) + timedelta(days=45)
            moment = int(datetime.combine(end, time(), UTC).timestamp())
            people[-1] = self._person(False, leaves=moment)
            people.append(self._person(False, joins=moment))
        return people

    def _person(self, has_second: bool, joins: int = 0, leaves: int = 1 << 40) -> Person:
        name = self._names[next(self._order)]
        second = f"{name.replace('.', '-')}@laptop.invalid" if has_second else None
        weight = 0.6 + 0.8 * self._rng.random()
        return Person(f"{name}@demo.invalid", second, joins, leaves, weight)

    def present(self, team: str, begin: int, end: int) -> list[Person]:
        """People of a team who were there all the time."""
        return [p for p in self.teams[team] if p.joins <= begin and p.leaves > end]

    @property
    def aliases(self) -> list[tuple[str, str]]:
        """Every login and whose it is."""
        people = [person for team in self.teams.values() for person in team]
        return [(login, p.login) for p in people for login in (p.login, p.second_login) if login]


class Turns:
    """Hands out work in proportion to weights, so that each month looks like the quarter."""

    def __init__(self) -> None:
        """Nobody has had a turn."""
        self._load: dict[Any, float] = {}

    def take(self, candidates: Sequence[Any], weights: Sequence[float]) -> Any:
        """Whose turn it is; who comes later starts level with the least busy."""
        for candidate in candidates:
            self._load.setdefault(candidate, min(self._load.values(), default=0.0))
        index = min(
            range(len(candidates)),
            key=lambda i: (self._load[candidates[i]] + 1) / weights[i],
        )
        self._load[candidates[index]] += 1
        return candidates[index]


@dataclass
class Change:
    """A change as planned: seconds per stage, in Dev, Review, Integration, Deploy."""

    team: str
    system: System
    deployed: int
    is_tracked: bool
    has_second_round: bool
    is_abandoned: bool
    active: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)

    @property
    def boundaries(self) -> list[int]:
        """Positions of start, ready, approved, merged, deployed."""
        stages = [a + w for a, w in zip(self.active, self.waiting, strict=True)]
        found = [self.deployed]
        for seconds in reversed(stages):
            found.insert(0, found[0] - seconds)
        return found


@dataclass
class Life:
    """What became of a plan: positions of commits, statuses (with name), reviews (with kind)."""

    commits: list[int] = field(default_factory=list)
    statuses: list[tuple[int, str]] = field(default_factory=list)
    # The number says who: 0 the author, 1 and 2 the reviewers.
    reviews: list[tuple[int, str, int]] = field(default_factory=list)
    opened: int = 0


class Planning:
    """How many changes, when, and how long each stage of each takes."""

    def __init__(self, rng: np.random.Generator, scale: float) -> None:
        """Make the working clocks."""
        self._rng = rng
        self._count = max(1, round(parameters()["changes_per_quarter"] * scale))
        self.clocks = {key: WorkingClock(key) for key in parameters()["calendars"]}

    def clock(self, team: str) -> WorkingClock:
        """The working clock of a team."""
        return self.clocks[parameters()["teams"][team]["calendar"]]

    def quarter(self, stream: str, quarter: int) -> list[Change]:
        """Changes of a stream that are deployed in a quarter, by deployment, calibrated."""
        changes = [
            change
            for team, count in self._counts(stream, quarter).items()
            for change in self._of_team(team, count, quarter)
        ]
        changes.sort(key=lambda change: self.clock(change.team).moment(change.deployed))
        self._calibrate(changes, parameters()["value_streams"][stream])
        return changes

    def _counts(self, stream: str, quarter: int) -> dict[str, int]:
        """Changes per team in proportion to its people; rounding goes to the greatest rests."""
        sizes = {
            key: team["size"]
            for key, team in parameters()["teams"].items()
            if _place(key, team["stream"], "teams", quarter) == stream
        }
        exact = {key: self._count * size / sum(sizes.values()) for key, size in sizes.items()}
        counts = {key: int(share) for key, share in exact.items()}
        rests = sorted(exact, key=lambda key: counts[key] - exact[key])
        for key in rests[: self._count - sum(counts.values())]:
            counts[key] += 1
        return counts

    def _of_team(self, team: str, count: int, quarter: int) -> Iterator[Change]:
        everything = parameters()
        clock = self.clock(team)
        first, last = (
            clock.position(int(datetime.combine(quarter_start(n), time(), UTC).timestamp()))
            for n in (quarter, quarter + 1)
        )
        abandoned = int(self._rng.binomial(count, everything["abandoned_share"])) if count else 0
        systems, weights = self._systems_of(team, quarter)
        turns = Turns()
        extra = self._rng.integers(0, max(count, 1), abandoned).tolist()
        for index, number in enumerate([*range(count), *extra]):
            rest = self._rng.random(3)
            yield Change(
                team=team,
                system=turns.take(systems, weights),
                deployed=first + int((number + rest[0]) / count * (last - first)),
                is_tracked=bool(rest[1] < everything["tracked_share"]),
                has_second_round=bool(rest[2] < everything["second_round_share"]),
                is_abandoned=index >= count,
            )

    def _systems_of(self, team: str, quarter: int) -> tuple[list[System], list[float]]:
        single = parameters()["planted"]["one_author_systems"]
        systems = [
            system
            for system in _systems().values()
            if _place(system.key, system.owner, "systems", quarter) == team
        ]
        narrow = sum(system.key in single["systems"] for system in systems)
        common = (1 - narrow * single["share"]) / max(1, len(systems) - narrow)
        weights = [single["share"] if s.key in single["systems"] else common for s in systems]
        return systems, weights

    def _multipliers(self, kind: str, count: int) -> np.ndarray:
        """Factors with mean about 1 per change and stage."""
        spread = parameters()["variation"][kind]
        squared = spread["coefficient"] ** 2
        if kind == "active":
            drawn = self._rng.gamma(1 / squared, squared, (count, 4))
        else:
            sigma = np.sqrt(np.log1p(squared))
            drawn = self._rng.lognormal(-(sigma**2) / 2, sigma, (count, 4))
        return np.minimum(drawn, spread["cap"])

    def _calibrate(self, changes: list[Change], stream: dict[str, Any]) -> None:
        """Draw active hours, then scale waiting so that the sums give the planted shares."""
        shares = np.array(stream["wait_shares"])
        mean_active = stream["life_hours"] * (1 - shares.sum())
        active = self._multipliers("active", len(changes)) * (
            mean_active * np.array(parameters()["active_split"])
        )
        for row, change in zip(active, changes, strict=True):
            _floor(row, change)
        waiting = self._multipliers("waiting", len(changes)) * shares * stream["life_hours"]
        waiting *= np.array([[_wait_multiplier(change.team)] for change in changes])
        completed = np.array([not change.is_abandoned for change in changes])
        target = active[completed].sum() / (1 - shares.sum()) * shares
        fixed = np.array([not change.is_tracked for change in changes])
        waiting[fixed, 0] = self._visible_holds(waiting[fixed, 0])
        held = waiting[completed & fixed, 0].sum()
        free = waiting[completed & ~fixed, 0].sum()
        if free:
            waiting[~fixed, 0] *= max(target[0] - held, 0) / free
        waiting[:, 1:] *= target[1:] / waiting[completed, 1:].sum(axis=0)
        for hours, waits, change in zip(active, waiting, changes, strict=True):
            change.active = [round(hour * HOUR) for hour in hours]
            change.waiting = [max(60, round(wait * HOUR)) for wait in waits]
            if not change.is_tracked and waits[0] == 0:
                change.waiting[0] = 0

    def _visible_holds(self, hours: np.ndarray) -> np.ndarray:
        """Without a tracker, Dev waits either visibly, some 12 hours, or not at all."""
        waits = self._rng.random(len(hours)) < hours / 12
        return np.where(waits, self._rng.uniform(8, 16, len(hours)), 0.0)


def _floor(hours: np.ndarray, change: Change) -> None:
    """Leave room for the touches; without a tracker item only touches are active."""
    floors = list(FLOORS[change.is_tracked])
    if change.has_second_round:
        floors[1] = SECOND_ROUND_FLOOR[change.is_tracked]
    if change.is_tracked:
        hours[:] = np.maximum(hours, floors)
    else:
        hours[:] = [max(hours[0], floors[0]), *floors[1:]]


def _wait_multiplier(team: str) -> float:
    planted = parameters()["planted"]
    if team == planted["fast_team"]["team"]:
        return float(planted["fast_team"]["waiting"])
    return float(planted["low_experience"].get(team, 1.0))


def _live(change: Change, rng: np.random.Generator) -> Life:
    """Turn a plan into commits, statuses and reviews that read as it was planned."""
    life = Life()
    begin, ready, approved, merged, deployed = change.boundaries
    _develop(life, change, begin, ready, rng)
    _review(life, change, ready, approved, rng)
    life.statuses += [
        (approved, "Approved"),
        (merged - change.active[2], "Merging"),
        (merged, "Merged"),
        (deployed - change.active[3], "Releasing"),
        (deployed, "Done"),
    ]
    return life


def _develop(life: Life, change: Change, begin: int, ready: int, rng: np.random.Generator) -> None:
    """One or two sessions with a hold between; commits on both sides of it if it is long."""
    hold = change.waiting[0]
    life.statuses.append((begin, "In progress"))
    resumed = begin
    if hold:
        paused = begin + int(change.active[0] * rng.uniform(0.4, 0.6))
        resumed = paused + hold
        life.statuses += [(paused, "On hold"), (resumed, "In progress")]
        if hold >= SHORTEST_HOLD * HOUR:
            life.commits += _commits(begin, paused, change.is_tracked, rng)
    last = ready - int(min(2 * HOUR, ready - resumed - HOUR) * rng.random())
    session = _commits(resumed, last, change.is_tracked, rng)
    life.opened = session[0]
    life.commits += session


def _commits(begin: int, end: int, is_tracked: bool, rng: np.random.Generator) -> list[int]:
    """Commits of a session: the first an hour in, the last at its end, no gap too long."""
    first = begin + HOUR
    seconds = end - first
    needed = 1 + int(np.ceil(seconds / (LONGEST_STEP * HOUR)))
    count = int(rng.integers(1, 4)) if is_tracked else max(2, needed)
    if count == 1 or seconds < HOUR // 6:
        return [end]
    step = seconds / (count - 1)
    inner = [first + int(step * (n + rng.uniform(-0.2, 0.2))) for n in range(1, count - 1)]
    return [first, *inner, end]


def _review(
    life: Life, change: Change, ready: int, approved: int, rng: np.random.Generator
) -> None:
    """One round, or two with a fix between; each round waits and is then worked on."""
    active, waiting = change.active[1], change.waiting[1]
    life.statuses.append((ready, "Ready for review"))
    slot = approved - active
    if change.has_second_round:
        closing = max(HOUR, int(0.4 * active)) if change.is_tracked else HOUR // 2
        start = ready + int(waiting * rng.uniform(0.3, 0.7))
        fixed = start + active - closing
        slot = approved - closing
        kind = "changes_requested" if rng.random() < 0.7 else "commented"
        life.statuses += [(start, "In review"), (fixed, "Ready for review")]
        life.reviews.append((fixed - HOUR, kind, 1))
        life.commits.append(fixed)
    if change.is_tracked and approved - slot >= 1.5 * HOUR and rng.random() < 0.4:
        life.reviews.append((slot + HOUR, "commented", int(rng.integers(0, 3))))
    life.statuses.append((slot, "In review"))
    life.reviews.append((approved, "approved", 2))


class Tables(ExitStack):
    """The files of the extract, with the dirt of real ones: duplicates, late and broken rows."""

    def __init__(self, folder: Path, rng: np.random.Generator) -> None:
        """Open one CSV per entity."""
        super().__init__()
        self.folder = folder
        self._rng = rng
        self._columns = {name: list(entity.columns) for name, entity in entities().items()}
        self._samples: dict[str, dict[str, object]] = {}
        self._late: list[list[object]] = []
        self._writers: dict[str, Any] = {}
        for name, columns in self._columns.items():
            path = folder / f"{name}.csv"
            file = self.enter_context(path.open("w", newline="", encoding="utf-8"))
            self._writers[name] = csv.writer(file, lineterminator="\n")
            self._writers[name].writerow(columns)

    def add(self, entity: str, **row: object) -> None:
        """Write a row, now and then twice."""
        self._samples.setdefault(entity, row)
        values = [row.get(column, "") for column in self._columns[entity]]
        self._writers[entity].writerow(values)
        if self._rng.random() < parameters()["dirt"]["duplicate_share"]:
            self._writers[entity].writerow(values)

    def add_change(self, **row: object) -> None:
        """Write a change; some as it was when opened, and as it is at the end of the file."""
        if row["merged_at"] and self._rng.random() < parameters()["dirt"]["late_share"]:
            self._late.append([row.get(column, "") for column in self._columns["changes"]])
            row |= {"merged_at": "", "closed_at": "", "merge_commit": ""}
            row["updated_at"] = row["opened_at"]
        self.add("changes", **row)

    def finish(self) -> None:
        """Add what is broken, then what came late."""
        number = 0
        for entry in parameters()["dirt"]["broken"]:
            for _ in range(entry["rows"] if entry["entity"] in self._samples else 0):
                number += 1
                self._writers[entry["entity"]].writerow(self._broken(entry, number))
        self._writers["changes"].writerows(self._late)

    def _broken(self, entry: dict[str, Any], number: int) -> list[object]:
        """A good row under another key, without text that names other rows, and one fault."""
        entity = entities()[entry["entity"]]
        row = dict(self._samples[entity.name])
        own_key = [c for c in entity.key if entity.columns[c].type == "text"][-1]
        row[own_key] = f"broken-{number}"
        row |= {c.name: "" for c in entity.columns.values() if not c.lands}
        if "value" in entry:
            row[entry["column"]] = entry["value"]
        values = [row.get(column, "") for column in self._columns[entity.name]]
        return values if "value" in entry else values[:-2]


def _fail_rate(team: str) -> float:
    """Share of a team's deployments that break production."""
    planted = parameters()["planted"]["fast_team"]
    if team == planted["team"]:
        return float(planted["change_fail_rate"])
    if parameters()["teams"][team]["stream"] == parameters()["teams"][planted["team"]]["stream"]:
        return float(planted["neighbours_change_fail_rate"])
    return float(parameters()["trouble"]["change_fail_rate"])


class Telling:
    """Writes the plan as the events that tools would have recorded."""

    def __init__(self, tables: Tables, rng: np.random.Generator, seed: int) -> None:
        """Fill the teams; nothing has happened yet."""
        self._tables = tables
        self._rng = rng
        self._seed = seed
        self._roster = Roster(rng)
        self._end = int(loaded_to().timestamp())
        self._counters: Counter[str] = Counter()
        self._last_merged: dict[str, tuple[str, str]] = {}
        self._seen_paths: set[tuple[str, str]] = set()
        self._turns: dict[tuple[str, str], Turns] = defaultdict(Turns)
        # Numbers of its own, so that what breaks changes nothing else.
        self._luck = np.random.default_rng([seed, 1])
        # The same for CI; its runs are written last, so that the dirt of the others stays theirs.
        self._chance = np.random.default_rng([seed, 2])
        planted = parameters()["ai"]
        self._ai = Assistance(planted, tool_rollouts(), seed)
        self._touched: set[str] = set()
        self._runs: list[dict[str, object]] = []
        # What waits for other teams: numbers of its own, and written last.
        self._items: list[Item] = []
        self._stalls: list[Stall] = []
        self._requests: list[dict[str, object]] = []
        # What came into each repository's main line: when, the merge, and the change's own commits.
        self._merges: dict[str, list[tuple[int, str, list[str]]]] = defaultdict(list)
        # The same for what becomes known of defects.
        self._fate = np.random.default_rng([seed, 6])
        # The same for what items are part of.
        self._bets = np.random.default_rng([seed, 10])
        self._initiatives_of = self._initiatives()
        # Failures that a team owes: spread evenly, so that each quarter has its share.
        self._due: dict[str, float] = defaultdict(float)

    def tell(self, scale: float) -> None:
        """Quarter by quarter; the one after the last gives the work in progress at the end."""
        planning = Planning(self._rng, scale)
        bots = round(parameters()["bot_changes_per_quarter"] * scale)
        for quarter in range(1, parameters()["calendar"]["quarters"] + 2):
            for stream in parameters()["value_streams"]:
                self._turns.clear()
                hosts = []
                for change in planning.quarter(stream, quarter):
                    clock = planning.clock(change.team)
                    deployment = self._change(change, clock, stream, quarter)
                    if deployment and not self._is_one_author(change.system):
                        hosts.append((change, clock, deployment))
                for index in self._rng.permutation(len(hosts))[:bots].tolist():
                    self._bot_change(*hosts[index])
        for run in self._runs:
            self._tables.add("ci_runs", **run)
        self._mainline()
        self._dependencies()
        self._quality(scale)
        self._surveys()
        self._tell_initiatives()
        self._seats()
        tell_headcounts(parameters(), self._seed, self._tables.add)
        self._tables.finish()
        aliases = sorted(self._roster.aliases)
        _write(self._tables.folder / "identities.csv", ("alias", "person"), aliases)

    def _quality(self, scale: float) -> None:
        """What scanners, pipelines and the platform tell, last of all."""
        teams = {system.key: system.owner for system in _systems().values()}
        streams = {key: parameters()["teams"][team]["stream"] for key, team in teams.items()}
        begin = int(datetime.combine(quarter_start(1), time(), UTC).timestamp())
        QualityTelling(
            self._tables.add,
            parameters()["quality"],
            parameters()["ci"],
            Systems(teams, streams),
            (begin, self._end),
            np.random.default_rng([self._seed, 5]),
        ).tell(scale, self._merges)

    def _surveys(self) -> None:
        surveys = Surveys(parameters(), self._seed)
        for number in range(1, parameters()["calendar"]["quarters"] + 1):
            start = datetime.combine(quarter_start(number), time(), UTC)
            surveys.tell(number, start, self._roster.present, self._tables.add)

    def _tell_initiatives(self) -> None:
        rows = [(stream, row) for stream, told in self._initiatives_of.items() for row in told]
        for stream, row in sorted(rows, key=lambda told: int(told[1]["initiative_id"][4:])):
            moments = {name: _text(row[name]) for name in ("created", "delivered")}
            self._tables.add(
                "initiatives",
                value_stream=stream,
                created_at=moments["created"],
                delivered_at=moments["delivered"],
                updated_at=moments["delivered"],
                **{name: value for name, value in row.items() if name not in moments},
            )

    def _seats(self) -> None:
        """Who has seats of AI tools, and who used them when; its random numbers are its own."""
        planted, rng = parameters()["ai"], np.random.default_rng([self._seed, 7])
        for row in licences(planted, quarter_start):
            self._tables.add("ai_licences", **row)
        for quarter in range(1, parameters()["calendar"]["quarters"] + 1):
            present = self._roster.present
            for row in uses(planted, quarter, quarter_start(quarter), present, rng):
                self._tables.add("ai_usage", **row)

    def _initiatives(self) -> dict[str, list[dict[str, Any]]]:
        """What each value stream takes up and delivers; its random numbers are its own."""
        rng = np.random.default_rng([self._seed, 8])
        told: dict[str, list[dict[str, Any]]] = defaultdict(list)
        number = 0
        for quarter in range(1, parameters()["calendar"]["quarters"] + 1):
            begin, end = (
                int(datetime.combine(quarter_start(n), time(), UTC).timestamp())
                for n in (quarter, quarter + 1)
            )
            for stream, planted in parameters()["initiatives"].items():
                for row in initiatives(planted, begin, end, number, rng):
                    number += 1
                    told[stream].append(row)
        return told

    def _initiative_of_item(self, stream: str) -> str:
        """Key of the initiative that an item is part of; empty where it is part of none."""
        planted = parameters()["investment"]
        kind = str(self._bets.choice(list(planted), p=list(planted.values())))
        if kind == "no_initiative":
            return ""
        has_outcome = kind == "outcome_anticipated"
        keys = [
            row["initiative_id"]
            for row in self._initiatives_of[stream]
            if bool(row["anticipated_effect"]) == has_outcome
        ]
        return str(keys[int(self._bets.random() * len(keys))])

    def _is_faster(self, team: str, quarter: int) -> bool:
        """Whether a team has AI assistants; not after the extract, where work stays open."""
        since = parameters()["ai"]["rollouts"].get(team, quarter + 1)
        return bool(since <= quarter <= parameters()["calendar"]["quarters"])

    def _is_one_author(self, system: System) -> bool:
        return system.key in parameters()["planted"]["one_author_systems"]["systems"]

    def _next(self, kind: str) -> int:
        self._counters[kind] += 1
        return self._counters[kind]

    def _sha(self) -> str:
        text = f"{self._seed}|{self._next('commit')}"
        return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()

    def _pick(self, choices: Sequence[Any]) -> Any:
        return choices[int(self._rng.random() * len(choices))]

    def _happens(self, share: str) -> bool:
        return bool(self._rng.random() < parameters()[share])

    def _take_turn(self, team: str, role: str, people: list[Person]) -> Person:
        person: Person = self._turns[team, role].take(people, [p.weight for p in people])
        return person

    def _people(
        self, change: Change, begin: int, end: int, stream: str, quarter: int
    ) -> list[Person]:
        """Author and two reviewers, one of them maybe twice; all there from start to end."""
        team = self._roster.present(change.team, begin, end)
        narrow = [s for s in _systems().values() if self._is_one_author(s)]
        if self._is_one_author(change.system):
            author = team[0]
        elif any(system.owner == change.team for system in narrow):
            author = self._take_turn(change.team, "author", team[1:])
        else:
            author = self._take_turn(change.team, "author", team)
        reviewing = change.team
        if len(team) == 1 or self._happens("foreign_review_share"):
            reviewing = self._pick(self._neighbours(change.team, stream, quarter))
        people = [author]
        for number in (1, 2):
            if number == 2 and self._rng.random() < 0.6:
                people.append(people[1])
                continue
            candidates = self._roster.present(reviewing, begin, end)
            candidates = [p for p in candidates if p is not author]
            people.append(self._take_turn(reviewing, "reviewer", candidates))
        return people

    def _neighbours(self, team: str, stream: str, quarter: int) -> list[str]:
        return [
            key
            for key, other in parameters()["teams"].items()
            if other["size"] >= 9
            and key != team
            and _place(key, other["stream"], "teams", quarter) == stream
        ]

    def _change(self, change: Change, clock: WorkingClock, stream: str, quarter: int) -> str | None:
        """Write one change up to the extract's end; gives its production deployment, if any."""
        begin, ready, approved, merged, deployed = map(clock.moment, change.boundaries)
        if begin >= self._end:
            return None
        end = min(self._end, approved) if change.is_abandoned else self._end
        life = _live(change, self._rng)
        if change.is_tracked and self._is_faster(change.team, quarter):
            speed_up(change, life, parameters()["ai"]["moved_share"])
            ready = clock.moment(change.boundaries[1])
        self._touched.clear()
        people = self._people(change, begin, deployed, stream, quarter)
        is_draft = self._happens("draft_share")
        opened = clock.moment(life.opened) if is_draft else ready
        item = self._work_item(change, clock, life, begin, end, stream)
        change_id = str(self._next(change.system.repository)) if opened < end else None
        reviewers = people[1:]
        shas: list[str] = []
        for position in sorted(life.commits):
            if clock.moment(position) < end:
                sha = self._commit(change, clock.moment(position), people[0], reviewers)
                shas.append(sha)
                if change_id:
                    self._child("change_commits", change, change_id, commit_sha=sha)
                    self._run(change, sha, max(clock.moment(position), opened), 1)
        if not change_id:
            return None
        if item:
            self._child("change_work_items", change, change_id, work_item_id=item)
            stalled = clock.moment(change.boundaries[3] - change.active[2])
            if approved < end:
                self._stalls.append(Stall(item, change.team, approved, stalled))
        guests = [key for key, team in self._roster.teams.items() if reviewers[0] in team]
        if guests != [change.team] and ready < end:
            self._requests.append(
                {
                    "repository": change.system.repository,
                    "change_id": change_id,
                    "team": guests[0],
                    "requested_at": _text(ready),
                }
            )
        events = self._review_events(life, clock, people, ready, is_draft)
        last = opened
        for moment, kind, who in events:
            if moment < end:
                last = max(last, moment)
                self._event(change, change_id, kind, who, moment)
        merge_commit = None
        is_assisted, remark, trailer = False, "", ""
        if merged < end:
            if shas:
                self._run(change, shas[-1], approved, 2)
            is_assisted, remark, trailer = self._ai.marks(change.team, merged, self._touched)
            merge_commit = self._merge_commit(
                change, change_id, people[0].login, merged, shas, trailer
            )
        closed = merged if merged < end else end if end < self._end else None
        marks = self._wording(change, change_id, item)
        if merge_commit:
            marks["body"] += self._ai.taken_back(change.system.repository, merged) + remark
            self._ai.merged(change.system.repository, change_id, merged, is_assisted)
        self._tables.add_change(
            repository=change.system.repository,
            change_id=change_id,
            author=people[0].login,
            opened_at=_text(opened),
            merged_at=_text(merged if merge_commit else None),
            closed_at=_text(closed),
            merge_commit=merge_commit or "",
            updated_at=_text(min(max(last, closed or 0) + 5, self._end - 1)),
            **marks,
        )
        if not merge_commit:
            return None
        self._last_merged[change.system.repository] = (change_id, marks["title"])
        is_hotfix = "hotfix" in marks["labels"]
        return self._deploy(change, merge_commit, merged, deployed, is_hotfix)

    def _run(self, change: Change, sha: str, asked: int, attempt: int) -> None:
        """CI on a commit: when it is pushed, and once more when the change is approved."""
        ci = parameters()["ci"]
        queue, work = (int(60 * self._chance.uniform(*ci[k])) for k in ("queue", "run"))
        failed = attempt == 1 and self._chance.random() < ci["fail_share"]
        if asked + queue + work < self._end:
            self._runs.append(
                {
                    "repository": change.system.repository,
                    "run_id": str(self._next("run")),
                    "workflow": "tests",
                    "commit_sha": sha,
                    "attempt": attempt,
                    "result": "failure" if failed else "success",
                    "is_mainline": "false",
                    "queued_at": _text(asked),
                    "started_at": _text(asked + queue),
                    "finished_at": _text(asked + queue + work),
                    "updated_at": _text(asked + queue + work),
                }
            )

    def _child(self, entity: str, change: Change, change_id: str, **values: object) -> None:
        repository = change.system.repository
        self._tables.add(entity, repository=repository, change_id=change_id, **values)

    def _event(self, change: Change, change_id: str, kind: str, who: str, moment: int) -> None:
        self._child(
            "change_reviews",
            change,
            change_id,
            review_id=str(self._next("review")),
            kind=kind,
            reviewer=who,
            submitted_at=_text(moment),
        )

    def _review_events(
        self, life: Life, clock: WorkingClock, people: list[Person], ready: int, is_draft: bool
    ) -> list[tuple[int, str, str]]:
        """Everything in the review of a change, by time."""
        events = [
            (clock.moment(position), kind, people[who].login)
            for position, kind, who in life.reviews
        ]
        if is_draft:
            events.append((ready, "ready_for_review", people[0].login))
        if self._rng.random() < 0.5:
            events.append((ready, "review_requested", people[0].login))
        bots = parameters()["bots"]
        if self._rng.random() < bots["comment_share"]:
            events.append((ready + 120, "commented", bots["commenter"]))
        return sorted(events)

    def _wording(
        self, change: Change, change_id: str, item: str | None, bot: str | None = None
    ) -> dict[str, str]:
        """Title, body, branch and labels; they name the tracker item and mark hotfixes."""
        words = parameters()["words"]
        title = f"{self._pick(words['verbs'])} the {self._pick(words['nouns'])}"
        if bot:
            return {"title": "Update dependencies", "branch": f"bots/{change_id}", "labels": "bot"}
        is_hotfix = self._happens("hotfix_share")
        earlier = self._last_merged.get(change.system.repository)
        body = f"Changes {change.system.label}."
        if earlier and self._happens("revert_share"):
            title, body = f'Revert "{earlier[1]}"', f"Reverts #{earlier[0]}"
        elif item:
            title = f"{item} {title}"
        branch = f"{'hotfix' if is_hotfix else 'work'}/{item or f'topic-{change_id}'}"
        labels = "hotfix;backend" if is_hotfix else "backend"
        return {"title": title, "body": body, "branch": branch, "labels": labels}

    def _work_item(
        self,
        change: Change,
        clock: WorkingClock,
        life: Life,
        begin: int,
        end: int,
        stream: str,
    ) -> str | None:
        """The tracker item of a change and its statuses, as far as they had come."""
        if not change.is_tracked:
            return None
        prefix = parameters()["value_streams"][stream]["tracker"]
        item = f"{prefix}-{self._next(prefix)}"
        created = begin - int(self._rng.uniform(*parameters()["backlog_days"]) * 24 * HOUR)
        statuses = [(clock.moment(position), status) for position, status in life.statuses]
        statuses = [(created, "Backlog"), *(entry for entry in statuses if entry[0] < end)]
        if end < self._end:
            statuses.append((end, "Backlog"))
        for moment, status in statuses:
            self._tables.add(
                "work_item_transitions",
                work_item_id=item,
                status=status,
                changed_at=_text(moment),
            )
        last, status = statuses[-1]
        # Whose a moved system's item is depends on the day: such a one blocks nobody.
        if change.system.key not in _moves("systems"):
            resolved = last if status == "Done" else 1 << 40
            self._items.append(Item(item, change.team, created, resolved))
        share = parameters()["request_share"]
        kinds = parameters()["work_types"]
        kind = str(self._rng.choice(list(kinds), p=list(kinds.values())))
        self._tables.add(
            "work_items",
            work_item_id=item,
            work_type=kind,
            is_customer_request="true" if self._bets.random() < share else "",
            initiative=self._initiative_of_item(stream),
            created_at=_text(created),
            resolved_at=_text(last if status == "Done" else None),
            updated_at=_text(last),
            title=f"Work on {change.system.label}",
            body="Expected outcome: fewer failed runs" if self._happens("outcome_share") else "",
            system=change.system.key,
            found_in=self._found_in(change.team) if kind == "defect" else "",
        )
        return item

    def _found_in(self, team: str) -> str:
        """Where a defect was found; some teams find theirs when users have them."""
        planted = parameters()["quality"]["defects"]
        is_leaky = team == planted["leaky_team"]["team"]
        share = planted["leaky_team"]["share"] if is_leaky else planted["production_share"]
        return "production" if self._fate.random() < share else "before_release"

    def _commit(self, change: Change, moment: int, author: Person, reviewers: list[Person]) -> str:
        """A commit with its files, under one of its author's logins."""
        sha = self._sha()
        login = author.login
        if author.second_login and self._happens("alias_share"):
            login = author.second_login
        self._commit_row(change, sha, login, moment, "Work on it", 1)
        paths = change.system.paths
        for index in self._rng.permutation(len(paths))[: 1 + int(self._rng.random() * 4)].tolist():
            self._file(change, sha, paths[index])
            self._touched.add(paths[index])
        helpers = [
            p
            for p in self._roster.present(change.team, moment, moment)
            if p is not author and p not in reviewers
        ]
        if helpers and not self._is_one_author(change.system) and self._happens("coauthor_share"):
            self._tables.add(
                "commit_coauthors",
                repository=change.system.repository,
                commit_sha=sha,
                coauthor=self._pick(helpers).login,
            )
        return sha

    def _commit_row(
        self, change: Change, sha: str, login: str, moment: int, message: str, parents: int
    ) -> None:
        self._tables.add(
            "commits",
            repository=change.system.repository,
            commit_sha=sha,
            author=login,
            authored_at=_text(moment),
            committed_at=_text(min(moment + int(self._rng.random() * 300), self._end - 1)),
            parent_count=parents,
            is_mainline="true" if parents > 1 else "false",
            message=message,
        )

    def _file(self, change: Change, sha: str, path: str) -> None:
        place = (change.system.repository, path)
        kind = "modified" if place in self._seen_paths else "added"
        self._seen_paths.add(place)
        self._tables.add(
            "commit_files",
            repository=change.system.repository,
            commit_sha=sha,
            path=path,
            change_type=kind,
            additions=1 + int(self._rng.exponential(25)),
            deletions=int(self._rng.exponential(12)) if kind == "modified" else 0,
        )

    def _merge_commit(
        self,
        change: Change,
        change_id: str,
        login: str,
        moment: int,
        shas: list[str],
        trailer: str = "",
    ) -> str:
        sha = self._sha()
        self._commit_row(change, sha, login, moment, f"Merge change {change_id}{trailer}", 2)
        self._merges[change.system.repository].append((moment, sha, shas))
        return sha

    def _mainline(self) -> None:
        """The main line of each repository: its merges in order, each with what it brought."""
        for repository, merges in sorted(self._merges.items()):
            for position, (_, merge, shas) in enumerate(sorted(merges), start=1):
                for sha in (*shas, merge):
                    self._tables.add(
                        "mainline_commits",
                        repository=repository,
                        commit_sha=sha,
                        mainline_position=position,
                    )

    def _dependencies(self) -> None:
        """Links between items, told from either end, and the teams that were asked to review."""
        rng = np.random.default_rng([self._seed, 4])
        share = parameters()["dependencies"]["blocked_share"]
        for number, link in enumerate(links(self._items, self._stalls, share, rng), start=1):
            ends = (link.blocked.item, link.blocking.key)
            is_turned = number % 2 == 0
            is_over = link.blocked.end < self._end
            self._tables.add(
                "work_item_links",
                link_id=str(number),
                work_item_id=ends[is_turned],
                kind="blocks" if is_turned else "is_blocked_by",
                other_work_item_id=ends[not is_turned],
                linked_at=_text(link.blocked.begin),
                unlinked_at=_text(link.blocked.end if is_over else None),
                updated_at=_text(link.blocked.end if is_over else link.blocked.begin),
            )
        for request in self._requests:
            self._tables.add("review_requests", **request)

    def _deploy(
        self, change: Change, sha: str, merged: int, deployed: int, is_hotfix: bool
    ) -> str | None:
        """Maybe to staging, then to production; gives the production deployment if it happened."""
        title = f"{'Hotfix' if is_hotfix else 'Release'} for {change.system.label}"
        staged = merged + 600
        if self._happens("staging_share") and staged < min(deployed, self._end):
            self._deployment(change, "staging", sha, staged, title)
        if deployed >= self._end:
            return None
        key = self._deployment(change, "production", sha, deployed, title)
        self._shipped(change, key, sha)
        self._due[change.team] += _fail_rate(change.team)
        if self._due[change.team] >= 1:
            self._due[change.team] -= 1
            self._break(change, key, deployed)
        return key

    def _break(self, change: Change, deployment: str, deployed: int) -> None:
        """Tell of a failed deployment what tools record: an incident, a rollback, or both."""
        trouble = parameters()["trouble"]
        opened = deployed + int(self._luck.uniform(*trouble["hours_to_open"]) * HOUR)
        restored = opened + int(self._luck.uniform(*trouble["hours_to_restore"]) * HOUR)
        severities = trouble["severities"]
        severity = self._luck.choice(list(severities), p=list(severities.values()))
        way = self._luck.random()
        is_named = way < trouble["named_share"]
        is_rolled_back = 0 <= way - trouble["named_share"] < trouble["rolled_back_share"]
        if is_rolled_back and restored < self._end:
            self._tables.add(
                "deployments",
                deployment_id=f"{deployment}-undone",
                repository=change.system.repository,
                system=change.system.key,
                environment="production",
                result="success",
                started_at=_text(restored - 120),
                finished_at=_text(restored),
                undoes_deployment_id=deployment,
                updated_at=_text(restored),
                title=f"Rollback of {change.system.label}",
            )
            # It is a deployment too.
            self._due[change.team] += _fail_rate(change.team)
        if opened < self._end and (not is_rolled_back or self._luck.random() < 0.5):
            self._tables.add(
                "incidents",
                incident_id=f"inc-{self._next('incident')}",
                system=change.system.key,
                severity=severity,
                opened_at=_text(opened),
                resolved_at=_text(restored) if restored < self._end else "",
                deployment_id=deployment if is_named else "",
                updated_at=_text(min(restored, self._end - 1)),
            )

    def _shipped(self, change: Change, deployment: str, sha: str) -> None:
        self._tables.add(
            "deployment_commits",
            deployment_id=deployment,
            repository=change.system.repository,
            commit_sha=sha,
        )

    def _deployment(
        self, change: Change, environment: str, sha: str, finished: int, title: str
    ) -> str:
        key = f"d-{self._next('deployment')}"
        self._tables.add(
            "deployments",
            deployment_id=key,
            repository=change.system.repository,
            system=change.system.key,
            environment=environment,
            result="success",
            commit_sha=sha,
            started_at=_text(finished - int(self._rng.uniform(120, 540))),
            finished_at=_text(finished),
            updated_at=_text(finished),
            title=title,
        )
        return key

    def _bot_change(self, host: Change, clock: WorkingClock, deployment: str) -> None:
        """A change by a bot, reviewed by a person, shipped with the deployment of another."""
        hours = self._rng.uniform((0.5, 4.0), (6.0, 30.0))
        merged = host.deployed - int(hours[0] * HOUR)
        opened = clock.moment(merged - int(hours[1] * HOUR))
        merged = clock.moment(merged)
        bot = self._pick(parameters()["bots"]["authors"])
        change_id = str(self._next(host.system.repository))
        sha = self._sha()
        self._commit_row(host, sha, bot, opened - 60, "Update dependencies", 1)
        self._file(host, sha, f"{host.system.prefix or 'src/'}requirements.txt")
        self._child("change_commits", host, change_id, commit_sha=sha)
        candidates = self._roster.present(host.team, opened, merged)
        reviewer = self._take_turn(host.team, "reviewer", candidates)
        self._event(host, change_id, "approved", reviewer.login, merged - 60)
        merge_commit = self._merge_commit(host, change_id, bot, merged, [sha])
        self._tables.add_change(
            repository=host.system.repository,
            change_id=change_id,
            author=bot,
            opened_at=_text(opened),
            merged_at=_text(merged),
            closed_at=_text(merged),
            merge_commit=merge_commit,
            updated_at=_text(merged + 5),
            **self._wording(host, change_id, None, bot),
        )
        self._shipped(host, deployment, merge_commit)
