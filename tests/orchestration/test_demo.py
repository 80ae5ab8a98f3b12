"""The demo holds what demo.yml plants, measured here by the definitions and nothing else."""

import csv
import filecmp
import os
import re
import subprocess
import sys
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

import pytest

from orchestration.landing.contract import Column, entities
from orchestration.landing.demo import (
    parameters,
    planted_dirt,
    quarter_start,
    write_demo,
    write_organisation,
)

ROOT = Path(__file__).parents[2]
STAGES = ("dev", "review", "integration", "deploy")
HEALTHY = [key for key, team in parameters()["teams"].items() if team["size"] >= 9]
ZONED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
UNZONED = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")
QUARTER = re.compile(r"\d{4}-q[1-4]")
Row = dict[str, str]
Spans = list[tuple[float, float]]


def seconds(text: str) -> float:
    """A moment of the files as seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()


def fault(column: Column, value: str, extract_end: float) -> str | None:
    """Why a value cannot land; the names of the quarantine's reasons."""
    if not value:
        return "missing" if column.required else None
    if column.type == "timestamp":
        if UNZONED.fullmatch(value):
            return "tz_missing"
        if not ZONED.fullmatch(value):
            return "not_a_timestamp"
        return "later_than_extract" if seconds(value) > extract_end else None
    if column.type == "quarter" and not QUARTER.fullmatch(value):
        return "not_a_quarter"
    if column.type == "integer" and not value.isdigit():
        return "not_an_integer"
    if column.most is not None and float(value) > column.most:
        return "too_large"
    allowed = [str(known) for known in column.values]
    return "unknown_value" if allowed and value not in allowed else None


class Extract:
    """The files as a loader would take them: broken rows apart, of each key the newest version."""

    def __init__(self, folder: Path) -> None:
        """Read every entity."""
        self.folder = folder
        self.extract_end = seconds(read(folder / "extract.csv")[0]["loaded_to"])
        self.broken: dict[str, Counter[str]] = defaultdict(Counter)
        self.duplicates: Counter[str] = Counter()
        self.late: Counter[str] = Counter()
        self.rows = {name: self._rows(name) for name in entities()}
        self.person = {row["alias"]: row["person"] for row in read(folder / "identities.csv")}

    def _rows(self, name: str) -> list[Row]:
        entity = entities()[name]
        kept: dict[tuple[str, ...], Row] = {}
        with (self.folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            header = next(reader)
            assert header == list(entity.columns)
            for values in reader:
                row = dict(zip(header, values, strict=False))
                if reason := self._fault(name, values, row):
                    self.broken[name][reason] += 1
                    continue
                key = tuple(row[column] for column in entity.key)
                known = kept.get(key)
                self.duplicates[name] += known == row
                if known and known != row:
                    assert entity.version_column
                    assert known[entity.version_column] < row[entity.version_column]
                    self.late[name] += 1
                kept[key] = row
        return list(kept.values())

    def _fault(self, name: str, values: list[str], row: Row) -> str | None:
        columns = entities()[name].columns
        if len(values) != len(columns):
            return "wrong_number_of_fields"
        reasons = (fault(c, row[c.name], self.extract_end) for c in columns.values())
        return next((reason for reason in reasons if reason), None)

    def by_change(self, name: str) -> dict[tuple[str, str], list[Row]]:
        """Rows of an entity, by the change that they belong to."""
        found: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in self.rows[name]:
            found[row["repository"], row["change_id"]].append(row)
        return found


def read(path: Path) -> list[Row]:
    """Rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class Calendar:
    """Working time of a calendar of the seeds."""

    def __init__(self, key: str, seeds: Path) -> None:
        """Lay out its working days."""
        days = [r for r in read(seeds / "calendars.csv") if r["calendar_key"] == key]
        holidays = {
            row["holiday_date"]
            for row in read(seeds / "holidays.csv")
            if row["calendar_key"] == key
        }
        self.days: Spans = []
        for offset in range(1100):
            day = date(2024, 1, 1) + timedelta(days=offset)
            for row in days:
                if int(row["weekday"]) == day.isoweekday() and str(day) not in holidays:
                    zone = ZoneInfo(row["time_zone"])
                    opens, closes = (
                        datetime.combine(day, time.fromisoformat(row[end]), zone).timestamp()
                        for end in ("opens", "closes")
                    )
                    self.days.append((opens, closes))
        self._opens = [opens for opens, _ in self.days]

    def worked(self, begin: float, end: float) -> float:
        """Working seconds of a span."""
        total, index = 0.0, max(0, bisect_right(self._opens, begin) - 1)
        while index < len(self.days) and self.days[index][0] < end:
            opens, closes = self.days[index]
            total += max(0.0, min(end, closes) - max(begin, opens))
            index += 1
        return total


def union(spans: Iterable[tuple[float, float]]) -> Spans:
    """Spans without overlap."""
    merged: Spans = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        elif begin < end:
            merged.append((begin, end))
    return merged


@dataclass
class Measured:
    """One completed change by a person: working hours active and waiting, per stage."""

    team: str
    stream: str
    quarter: int
    system: str
    deployed: float
    active: list[float]
    waiting: list[float]
    first_review_hours: float | None

    @cached_property
    def life(self) -> float:
        """Working life."""
        return sum(self.active) + sum(self.waiting)


def valid(rows: list[Row], key: str, moment: float) -> Row:
    """The row of a key that holds at a moment."""
    day = str(datetime.fromtimestamp(moment, UTC).date())
    first = next(iter(rows[0]))
    return next(
        row
        for row in rows
        if row[first] == key
        and row["valid_from"] <= day
        and (not row["valid_to"] or day < row["valid_to"])
    )


class Measuring:
    """Flow efficiency by its definition, over the written files."""

    def __init__(self, extract: Extract, seeds: Path) -> None:
        """Index what a change needs."""
        self.extract = extract
        self.owners = read(seeds / "system_owners.csv")
        self.streams = read(seeds / "team_value_streams.csv")
        self.calendar_of = {r["team_key"]: r["calendar_key"] for r in read(seeds / "teams.csv")}
        self.calendars = {key: Calendar(key, seeds) for key in set(self.calendar_of.values())}
        self.commit = {row["commit_sha"]: row for row in extract.rows["commits"]}
        self.stage_of = {
            row["status"]: row for row in read(seeds.parent / "mapping/status_map.csv")
        }
        self.transitions: dict[str, list[tuple[float, str]]] = defaultdict(list)
        for row in extract.rows["work_item_transitions"]:
            self.transitions[row["work_item_id"]].append(
                (seconds(row["changed_at"]), row["status"])
            )
        self.deployed: dict[str, tuple[float, str]] = {}
        production = {
            row["deployment_id"]: row
            for row in extract.rows["deployments"]
            if row["environment"] == "production" and row["result"] == "success"
        }
        for row in extract.rows["deployment_commits"]:
            if found := production.get(row["deployment_id"]):
                moment = (seconds(found["finished_at"]), found["system"])
                known = self.deployed.setdefault(row["commit_sha"], moment)
                self.deployed[row["commit_sha"]] = min(known, moment)

    def changes(self) -> Iterator[Measured]:
        """Every completed change by a person."""
        commits, reviews, items = (
            self.extract.by_change(name)
            for name in ("change_commits", "change_reviews", "change_work_items")
        )
        for change in self.extract.rows["changes"]:
            if change["merge_commit"] not in self.deployed or "[bot]" in change["author"]:
                continue
            key = change["repository"], change["change_id"]
            people = [r for r in reviews[key] if "[bot]" not in r["reviewer"]]
            touched = [self.commit[row["commit_sha"]] for row in commits[key]]
            item = items[key][0]["work_item_id"] if items[key] else ""
            yield self._measure(change, touched, people, sorted(self.transitions[item]))

    def _measure(
        self,
        change: Row,
        commits: list[Row],
        reviews: list[Row],
        transitions: list[tuple[float, str]],
    ) -> Measured:
        deployed, system = self.deployed[change["merge_commit"]]
        team = valid(self.owners, system, deployed)["team_key"]
        calendar = self.calendars[self.calendar_of[team]]
        authored = sorted(seconds(row["authored_at"]) for row in commits)
        authors = {row["author"] for row in commits}
        looks = [r for r in reviews if r["kind"] in ("approved", "changes_requested", "commented")]
        by_others = [seconds(r["submitted_at"]) for r in looks if r["reviewer"] not in authors]
        first_review = min(by_others)
        drafts = [seconds(r["submitted_at"]) for r in reviews if r["kind"] == "ready_for_review"]
        working = [moment for moment, status in transitions if self._is_active(status, "dev")]
        started = min(authored[:1] + working[:1])
        ready = max([seconds(change["opened_at"]), *(d for d in drafts if d < first_review)])
        approved = max(seconds(r["submitted_at"]) for r in looks if r["kind"] == "approved")
        bounds = [started, ready, approved, seconds(change["merged_at"]), deployed]
        assert bounds == sorted(bounds)
        touches = [(m - 3600, m) for m in authored]
        touches += [(seconds(r["submitted_at"]) - 1800, seconds(r["submitted_at"])) for r in looks]
        # What a first touch vouches for before the start is part of Dev, and of the life.
        head = union((b, min(e, started)) for b, e in touches if b < started)
        active, waiting = [], []
        for stage, begin, end in zip(STAGES, bounds, bounds[1:], strict=False):
            spans = [*touches, *self._by_status(transitions, stage)]
            if stage == "dev":
                marks = [*(m for m in authored if m <= ready), ready]
                spans += [p for p in pairwise(marks) if calendar.worked(*p) <= 8 * 3600]
            inside = union((max(b, begin), min(e, end)) for b, e in spans)
            worked = sum(calendar.worked(*span) for span in inside)
            waiting.append((calendar.worked(begin, end) - worked) / 3600)
            before = sum(calendar.worked(*span) for span in head) if stage == "dev" else 0
            active.append((worked + before) / 3600)
        return Measured(
            team,
            valid(self.streams, team, deployed)["value_stream_key"],
            bisect_right(QUARTERS, deployed),
            system,
            deployed,
            active,
            waiting,
            calendar.worked(ready, first_review) / 3600,
        )

    def _is_active(self, status: str, stage: str) -> bool:
        known = self.stage_of[status]
        return known["stage"] == stage and known["activity"] == "active"

    def _by_status(self, transitions: list[tuple[float, str]], stage: str) -> Spans:
        return [
            (begin, end)
            for (begin, status), (end, _) in pairwise(transitions)
            if self._is_active(status, stage)
        ]


QUARTERS = [
    datetime.combine(quarter_start(number), time(), UTC).timestamp()
    for number in range(1, parameters()["calendar"]["quarters"] + 2)
]


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The organisation's seeds."""
    folder = tmp_path_factory.mktemp("seeds")
    write_organisation(folder)
    return folder / "organisation"


@pytest.fixture(scope="module")
def extract(tmp_path_factory: pytest.TempPathFactory) -> Extract:
    """The demo at its default size."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder)
    return Extract(folder)


@pytest.fixture(scope="module")
def measured(extract: Extract, seeds: Path) -> list[Measured]:
    """Every change completed in a quarter that is over, measured."""
    changes = Measuring(extract, seeds).changes()
    return [change for change in changes if change.quarter < len(QUARTERS)]


def cells(measured: list[Measured]) -> dict[tuple[str, int], list[Measured]]:
    """Changes by value stream and quarter."""
    found: dict[tuple[str, int], list[Measured]] = defaultdict(list)
    for change in measured:
        found[change.stream, change.quarter].append(change)
    return found


def wait_shares(changes: list[Measured]) -> list[tuple[float, float, float]]:
    """Per stage the ratio of sums with a 95 % range (linearised)."""
    life = sum(change.life for change in changes)
    found = []
    for stage in range(4):
        share = sum(change.waiting[stage] for change in changes) / life
        squares = sum((change.waiting[stage] - share * change.life) ** 2 for change in changes)
        half = 1.96 * squares**0.5 / life
        found.append((share, share - half, share + half))
    return found


def intensities(shares: list[tuple[float, float, float]]) -> list[int]:
    """Class per stage: 3 binding, 2 elevated, 1 neither."""
    first, second = sorted(shares, reverse=True)[:2]
    binds = first[0] >= 0.25 and first[1] > second[2]
    return [3 if binds and s == first else 2 if s[0] >= 0.15 else 1 for s in shares]


def test_each_stream_waits_where_it_is_planted(measured: list[Measured]) -> None:
    """The picture of the demo, in every quarter."""
    found = cells(measured)
    assert len(found) == 4 * parameters()["calendar"]["quarters"]
    for (stream, quarter), changes in found.items():
        planted = parameters()["value_streams"][stream]
        shares = wait_shares(changes)
        for (share, _, _), expected in zip(shares, planted["wait_shares"], strict=True):
            assert share == pytest.approx(expected, abs=0.02), (stream, quarter)
        assert intensities(shares) == planted["intensity"], (stream, quarter)
        assert len(changes) >= 300, (stream, quarter)


def test_variation_and_lives_are_those_of_real_work(measured: list[Measured]) -> None:
    """Spread stays where ranges can separate; a life is a week or two."""
    for changes in cells(measured).values():
        lives = [change.life for change in changes]
        assert 30 <= sum(lives) / len(lives) <= 60
        for stage in range(1, 4):
            waits = [change.waiting[stage] for change in changes]
            mean = sum(waits) / len(waits)
            spread = sum((wait - mean) ** 2 for wait in waits) / len(waits)
            assert spread**0.5 / mean <= 1.5
        reviews = [c.first_review_hours for c in changes if c.first_review_hours is not None]
        assert 2 <= median(reviews) <= 16


def test_planted_teams_stand_out(measured: list[Measured]) -> None:
    """One team waits half as long as its neighbours; the two least experienced wait longest."""
    waits: dict[str, list[float]] = defaultdict(list)
    for change in measured:
        waits[change.team].append(sum(change.waiting))
    means = {team: sum(hours) / len(hours) for team, hours in waits.items()}
    planted = parameters()["planted"]
    fast = planted["fast_team"]["team"]
    for neighbour in ("t_06", "t_08"):
        assert means[fast] / means[neighbour] == pytest.approx(0.5, abs=0.06)
    longest = sorted(HEALTHY, key=lambda team: means[team])[-2:]
    assert set(longest) == set(planted["low_experience"])


def periods() -> list[float]:
    """Starts of the 4-4-5 weeks of each quarter, and the end of the last."""
    quarters = range(1, parameters()["calendar"]["quarters"] + 1)
    days = [quarter_start(n) + timedelta(weeks=weeks) for n in quarters for weeks in (0, 4, 8)]
    return [datetime.combine(day, time(), UTC).timestamp() for day in days] + QUARTERS[-1:]


def test_healthy_teams_have_people_enough_in_every_period(
    extract: Extract, measured: list[Measured], seeds: Path
) -> None:
    """Five authors and five reviewers, and nobody with more than a third of the events."""
    assert len(HEALTHY) == 12
    starts = periods()
    team_of = {(change.system, change.quarter): change.team for change in measured}
    system_of = systems_of_changes(extract, seeds)
    authors: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    reviewers: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    commits = {row["commit_sha"]: row for row in extract.rows["commits"]}
    for role, name in ((authors, "change_commits"), (reviewers, "change_reviews")):
        for key, rows in extract.by_change(name).items():
            for row in rows:
                event = commits[row["commit_sha"]] if role is authors else row
                who = event["author" if role is authors else "reviewer"]
                moment = seconds(event["authored_at" if role is authors else "submitted_at"])
                period = bisect_right(starts, moment)
                if "[bot]" in who or key not in system_of or not 0 < period < len(starts):
                    continue
                team = team_of[system_of[key], bisect_right(QUARTERS, moment)]
                role[team, period][extract.person.get(who, who)] += 1
    for team in HEALTHY:
        for period in range(1, len(starts)):
            for role in (authors, reviewers):
                assert len(role[team, period]) >= 5, (team, period)
            events = authors[team, period] + reviewers[team, period]
            assert max(events.values()) <= 0.35 * sum(events.values()), (team, period)


def systems_of_changes(extract: Extract, seeds: Path) -> dict[tuple[str, str], str]:
    """System of each deployed change."""
    deployed = Measuring(extract, seeds).deployed
    return {
        (change["repository"], change["change_id"]): deployed[change["merge_commit"]][1]
        for change in extract.rows["changes"]
        if change["merge_commit"] in deployed
    }


def system_of_path(paths: list[Row], repository: str, path: str) -> str:
    """Longest prefix wins."""
    fitting = [
        row
        for row in paths
        if row["repository"] == repository and path.startswith(row["path_prefix"])
    ]
    return max(fitting, key=lambda row: len(row["path_prefix"]))["system_key"]


def test_files_belong_to_the_system_that_is_deployed(extract: Extract, seeds: Path) -> None:
    """Paths and deployments must not tell two stories."""
    paths = read(seeds / "system_paths.csv")
    files: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in extract.rows["commit_files"]:
        files[row["repository"], row["commit_sha"]].add(
            system_of_path(paths, row["repository"], row["path"])
        )
    systems = systems_of_changes(extract, seeds)
    for row in extract.rows["change_commits"]:
        key = row["repository"], row["change_id"]
        if key in systems:
            assert files[row["repository"], row["commit_sha"]] == {systems[key]}


def test_three_critical_systems_are_written_by_one_person_each(
    extract: Extract, seeds: Path
) -> None:
    """The risk that the knowledge domain must find."""
    paths = read(seeds / "system_paths.csv")
    author = {row["commit_sha"]: row["author"] for row in extract.rows["commits"]}
    authors: dict[str, set[str]] = defaultdict(set)
    for row in extract.rows["commit_files"]:
        who = author[row["commit_sha"]]
        if "[bot]" not in who:
            system = system_of_path(paths, row["repository"], row["path"])
            authors[system].add(extract.person.get(who, who))
    critical = {
        r["system_key"] for r in read(seeds / "systems.csv") if r["is_revenue_critical"] == "true"
    }
    teams = parameters()["teams"]
    large = {s["key"] for key in HEALTHY for s in teams[key]["systems"]}
    alone = {system for system, people in authors.items() if len(people) == 1 and system in large}
    assert alone == set(parameters()["planted"]["one_author_systems"]["systems"])
    assert alone <= critical


def test_dirt_is_counted(extract: Extract) -> None:
    """What the quarantine must hold, and what loading must fold."""
    assert {name: dict(reasons) for name, reasons in extract.broken.items()} == planted_dirt()
    assert sum(sum(reasons.values()) for reasons in planted_dirt().values()) >= 20
    for name, rows in extract.rows.items():
        # Of a few dozen rows chance may repeat none, or some too many.
        few = ("ai_licences", "headcounts", "survey_waves", "survey_invitations")
        is_many = name not in few
        assert not is_many or 0.005 <= extract.duplicates[name] / len(rows) <= 0.02, name
    assert set(+extract.late) == {"changes"}
    assert extract.late["changes"] >= 100


def test_work_is_in_progress_at_the_end(extract: Extract) -> None:
    """Nothing is cut off, and nothing lies after the extract."""
    open_changes = [row for row in extract.rows["changes"] if not row["closed_at"]]
    undeployed = [row for row in extract.rows["work_items"] if not row["resolved_at"]]
    assert len(open_changes) >= 50
    assert len(undeployed) >= 100


def test_links_hold(extract: Extract) -> None:
    """Every child names a parent that is there."""
    changes = {(r["repository"], r["change_id"]) for r in extract.rows["changes"]}
    commits = {(r["repository"], r["commit_sha"]) for r in extract.rows["commits"]}
    items = {r["work_item_id"] for r in extract.rows["work_items"]}
    for name in ("change_commits", "change_reviews", "change_work_items"):
        assert set(extract.by_change(name)) <= changes, name
    for name in (
        "change_commits", "commit_files", "commit_coauthors", "deployment_commits",
        "mainline_commits",
    ):  # fmt: skip
        assert {(r["repository"], r["commit_sha"]) for r in extract.rows[name]} <= commits, name
    for name in ("change_work_items", "work_item_transitions"):
        assert {r["work_item_id"] for r in extract.rows[name]} <= items, name
    tracked = len(extract.by_change("change_work_items")) / len(changes)
    assert 0.75 <= tracked <= 0.9


def test_the_main_line_is_told_in_order(extract: Extract) -> None:
    """Every merge has its place, by time; what it brought shares it."""
    commits_of = extract.by_change("change_commits")
    places = {
        (r["repository"], r["commit_sha"]): int(r["mainline_position"])
        for r in extract.rows["mainline_commits"]
    }
    merges: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for change in extract.rows["changes"]:
        if change["merge_commit"]:
            key = (change["repository"], change["merge_commit"])
            merges[change["repository"]].append((change["merged_at"], places[key]))
            for row in commits_of[change["repository"], change["change_id"]]:
                assert places[change["repository"], row["commit_sha"]] == places[key]
    for told in merges.values():
        assert [place for _, place in sorted(told)] == sorted({place for _, place in told})


def test_people_are_invented_and_use_both_logins(extract: Extract) -> None:
    """No address that could be somebody's; no login that is one account only by chance."""
    logins: set[str] = set()
    for name, column in (
        ("changes", "author"),
        ("commits", "author"),
        ("change_reviews", "reviewer"),
        ("commit_coauthors", "coauthor"),
    ):
        logins |= {row[column] for row in extract.rows[name]}
    assert all(login.endswith((".invalid", "[bot]")) for login in logins)
    assert extract.person.keys() <= logins
    assert set(extract.person.values()) <= logins
    assert sum("[bot]" in login for login in logins) == 3


def test_committed_seeds_are_in_step(seeds: Path) -> None:
    """`write_organisation(Path("seeds"))` writes them again."""
    for folder in ("organisation", "mapping"):
        written = sorted(path.name for path in (seeds.parent / folder).iterdir())
        same, _, _ = filecmp.cmpfiles(
            seeds.parent / folder, ROOT / "seeds" / folder, written, shallow=False
        )
        assert same == written


def test_size_follows_scale_and_seed_decides(tmp_path: Path) -> None:
    """Another hash seed, zone and clock change nothing; another seed changes everything."""
    write_demo(tmp_path / "here", scale=0.05)
    write_demo(tmp_path / "other", scale=0.05, seed=7)
    code = (
        "import sys; from pathlib import Path; from orchestration.landing.demo import write_demo; "
        "write_demo(Path(sys.argv[1]), scale=0.05)"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "there")],
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "99", "TZ": "Asia/Tokyo"},
    )
    names = sorted(path.name for path in (tmp_path / "here").iterdir())
    same, different, _ = filecmp.cmpfiles(
        tmp_path / "here", tmp_path / "there", names, shallow=False
    )
    assert (same, different) == (names, [])
    changed = filecmp.cmpfiles(tmp_path / "here", tmp_path / "other", names, shallow=False)[1]
    # Who was asked and who has seats is no matter of chance.
    given = {"ai_licences.csv", "survey_waves.csv", "survey_invitations.csv"}
    assert set(names) - set(changed) - given == {"extract.csv"}
    completed = sum(1 for row in Extract(tmp_path / "here").rows["changes"] if row["merged_at"])
    assert 24 * 17 <= completed <= 24 * 17 * 1.2
