"""O16: what a reader could compute from open cells; hand-worked organisations, then random ones."""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.errors import FlowgrainError
from orchestration.floor_guard.audit import audit
from orchestration.floor_guard.calendar import bucket_end, bucket_start
from orchestration.floor_guard.constants import BUCKETS

# A quarter begins on it, and so do a period and a week.
MONDAY = date(2026, 3, 30)
WEEKS = [MONDAY + timedelta(weeks=number) for number in range(13)]
COLUMNS = (
    "population varchar, author_kind varchar, role varchar, person_key varchar, "
    "change_key varchar, system_key varchar, team_key varchar, value_stream_key varchar, "
    "counted_at timestamp"
)
OPEN = (
    "population varchar, author_kind varchar, role varchar, grain varchar, grain_key varchar, "
    "bucket varchar, bucket_start date"
)


class Organisation:
    """A vault with nothing in it but who did what, and the cells that are to be published."""

    def __init__(self) -> None:
        """Lay it out, empty."""
        self.connection = duckdb.connect()
        self.connection.execute("attach ':memory:' as vault")
        self.connection.execute("create schema vault.flowgrain_vault")
        self.connection.execute(f"create table vault.flowgrain_vault.int_activity ({COLUMNS})")
        self.connection.execute(f"create temp table open_cells ({OPEN})")
        self.changes = 0

    def work(self, team: str, people: str, week: date = MONDAY, stream: str = "vs", *,
             together: bool = False) -> None:  # fmt: skip
        """Each of these people (a letter each) merges a change; or all of them one, together."""
        for person in people:
            self.changes += 0 if together else 1
            row = ("merged", "human", "author", person, f"c{self.changes}", f"s_{team}", team,
                   stream, datetime(week.year, week.month, week.day, 12))  # fmt: skip
            self.connection.execute(
                f"insert into vault.flowgrain_vault.int_activity values ({', '.join('?' * 9)})",
                row,
            )
        self.changes += together

    def open(self, grain: str, key: str, bucket: str = "week", start: date = MONDAY) -> None:
        """Publish a cell."""
        row = ("merged", "human", "author", grain, key, bucket, start)
        self.connection.execute("insert into open_cells values (?, ?, ?, ?, ?, ?, ?)", row)

    def is_refused(self) -> bool:
        """Whether the audit finds something; it must say no name then."""
        try:
            audit(self.connection)
        except FlowgrainError as error:
            return error.rule == "O16" and "t_" not in str(error)
        return False


@pytest.fixture
def organisation() -> Iterator[Organisation]:
    """An organisation to fill."""
    made = Organisation()
    yield made
    made.connection.close()


def test_a_value_stream_less_its_teams(organisation: Organisation) -> None:
    """ATK29: two open teams tell of the third, which is two people."""
    organisation.work("t_1", "abcdef")
    organisation.work("t_2", "ghijkl")
    organisation.work("t_3", "mn")
    organisation.open("value_stream", "vs")
    organisation.open("team", "t_1")
    assert not organisation.is_refused()
    organisation.open("team", "t_2")
    assert organisation.is_refused()


def test_the_period_less_three_of_its_weeks(organisation: Organisation) -> None:
    """ATK30: the fourth week, in which two of six worked."""
    for week in WEEKS[:3]:
        organisation.work("t_1", "abcdef", week)
    organisation.work("t_1", "ab", WEEKS[3])
    organisation.open("team", "t_1", "period")
    for week in WEEKS[:3]:
        organisation.open("team", "t_1", "week", week)
    assert organisation.is_refused()


def test_two_weeks_hidden_of_a_period_are_not_known_apart(organisation: Organisation) -> None:
    for week in WEEKS[:2]:
        organisation.work("t_1", "abcdef", week)
    organisation.work("t_1", "abcde", WEEKS[2])
    organisation.work("t_1", "ab", WEEKS[3])
    organisation.open("team", "t_1", "period")
    for week in WEEKS[:2]:
        organisation.open("team", "t_1", "week", week)
    assert not organisation.is_refused()


def test_nested_cells_that_differ_by_one_person(organisation: Organisation) -> None:
    """A team whose one further system is one person's: team less system."""
    organisation.work("t_1", "abcdef")
    organisation.connection.execute(
        "insert into vault.flowgrain_vault.int_activity select population, author_kind, role, "
        "'z', 'c99', 's_more', team_key, value_stream_key, counted_at "
        "from vault.flowgrain_vault.int_activity limit 1"
    )
    organisation.open("team", "t_1")
    assert not organisation.is_refused()
    organisation.open("system", "s_t_1")
    assert organisation.is_refused()


def test_what_is_left_is_of_accounts_that_nobody_declared(organisation: Organisation) -> None:
    """B03: they may all be one person's."""
    organisation.work("t_1", "abcdef")
    organisation.work("t_2", "ghijkl")
    organisation.open("value_stream", "vs")
    organisation.open("team", "t_1")
    assert not organisation.is_refused()
    organisation.connection.execute(
        "update vault.flowgrain_vault.int_activity set person_key = null where team_key = 't_2'"
    )
    assert organisation.is_refused()


def test_a_combination_of_four_cells(organisation: Organisation) -> None:
    """Portfolio less one stream less a team, each of them large: a team of three is left."""
    organisation.work("t_1", "abcdefg", stream="vs_1")
    organisation.work("t_2", "hijklmn", stream="vs_2")
    organisation.work("t_3", "opq", stream="vs_2")
    organisation.open("portfolio", "all")
    organisation.open("value_stream", "vs_1")
    assert not organisation.is_refused()
    organisation.open("team", "t_2")
    assert organisation.is_refused()


def test_so_few_events_that_each_hidden_part_is_known(organisation: Organisation) -> None:
    """Five people of two teams made one change together: neither team made more than one."""
    organisation.work("t_1", "abcdef")
    organisation.work("t_2", "ghi", together=True)
    organisation.work("t_3", "jklm")
    organisation.open("value_stream", "vs")
    organisation.open("team", "t_1")
    assert not organisation.is_refused()
    organisation.connection.execute(
        "delete from vault.flowgrain_vault.int_activity where team_key = 't_3'"
    )
    organisation.work("t_3", "jklm", together=True)
    assert organisation.is_refused()


def test_open_work_adds_up_over_groups_and_not_over_time(organisation: Organisation) -> None:
    """Weeks of a stock are no parts of its period; siblings are parts of their parent."""
    organisation.work("t_1", "abcdef", WEEKS[0])
    organisation.work("t_1", "ab", WEEKS[3])
    organisation.work("t_2", "ghijkl", WEEKS[3])
    for table in ("vault.flowgrain_vault.int_activity", "open_cells"):
        organisation.connection.execute(f"update {table} set population = 'in_progress'")
    organisation.open("team", "t_1", "week", WEEKS[0])
    organisation.open("value_stream", "vs", "period")
    organisation.connection.execute("update open_cells set population = 'in_progress'")
    assert not organisation.is_refused()
    organisation.open("team", "t_2", "period")
    organisation.connection.execute("update open_cells set population = 'in_progress'")
    assert organisation.is_refused()


# The floor's own SQL, on any organisation.


class Floor:
    """The floor's models that decide, as dbt compiled them, on tables laid out here."""

    def __init__(self, compiled: dict[str, Any]) -> None:
        """Take their SQL, with relations of the vault under the names that they have there."""
        nodes = compiled["nodes"]
        self.models = {
            name: nodes[f"model.flowgrain.{name}"]["compiled_code"]
            for name in ("floor_subjects", "floor_crossings", "floor_cells")
        }

    def decide(self, organisation: Organisation) -> int:
        """Let the floor say what is open; returns how many cells are."""
        connection = organisation.connection
        weeks = [
            (week, week + timedelta(weeks=1), bucket, bucket_start(week, bucket),
             bucket_end(week, bucket))
            for week in WEEKS
            for bucket in BUCKETS
        ]  # fmt: skip
        connection.execute(
            "create table vault.flowgrain_vault.int_weeks (week_start date, week_end date, "
            "bucket varchar, bucket_start date, bucket_end date)"
        )
        connection.executemany(
            "insert into vault.flowgrain_vault.int_weeks values (?, ?, ?, ?, ?)", weeks
        )
        larger = {"week": "period", "period": "quarter", "quarter": "none"}
        parents = []
        for bucket in BUCKETS:
            for start in sorted({bucket_start(week, bucket) for week in WEEKS}):
                above = larger[bucket]
                parent = start if above == "none" else bucket_start(start, above)
                siblings = {
                    bucket_start(week, bucket)
                    for week in WEEKS
                    if above != "none" and bucket_start(week, above) == parent
                }
                parents.append(
                    (bucket, start, bucket_end(start, bucket), above, parent, len(siblings) or 1)
                )
        connection.execute(
            "create table vault.flowgrain_vault.int_bucket_parents (bucket varchar, "
            "bucket_start date, bucket_end date, parent_bucket varchar, parent_bucket_start date, "
            "sibling_count bigint)"
        )
        connection.executemany(
            "insert into vault.flowgrain_vault.int_bucket_parents values (?, ?, ?, ?, ?, ?)",
            parents,
        )
        connection.execute(
            "create table vault.flowgrain_vault.int_settings as select 5 as minimum_people"
        )
        connection.execute("create schema vault.flowgrain_floor")
        for name, sql in self.models.items():
            connection.execute(f"create table vault.flowgrain_floor.{name} as {sql}")
        connection.execute(
            "insert into open_cells select population, author_kind, role, grain, grain_key, "
            "bucket, bucket_start from vault.flowgrain_floor.floor_cells where is_open"
        )
        (count,) = connection.execute("select count(*) from open_cells").fetchone() or (0,)
        return int(count)


@st.composite
def organisations(draw: st.DrawFn) -> list[tuple[str, str, list[str | None], date]]:
    """Streams of teams of one to twelve people, who work in some of a quarter's weeks.

    In some, the accounts of every fifth were never declared.
    """
    rows = []
    person = 0
    declared = draw(st.booleans())
    for stream in range(draw(st.integers(1, 3))):
        for team in range(draw(st.integers(1, 4))):
            size = draw(st.integers(1, 12))
            people = [
                None if number % 5 == 4 and not declared else f"p{person + number}"
                for number in range(size)
            ]
            person += size
            share = draw(st.floats(0.2, 1))
            random = draw(st.randoms(use_true_random=False))
            for week in WEEKS:
                active = [name for name in people if random.random() < share]
                if active:
                    rows.append((f"vs_{stream}", f"t_{stream}{team}", active, week))
    return rows


def settled(rows: list[tuple[str, str, list[str | None], date]]) -> Organisation:
    """An organisation in which these people merged changes in these weeks; some by two people."""
    organisation = Organisation()
    for stream, team, people, week in rows:
        for place, person in enumerate(people):
            # Every fourth wrote with the one before.
            organisation.changes += 0 if place % 4 == 3 else 1
            organisation.connection.execute(
                f"insert into vault.flowgrain_vault.int_activity values ({', '.join('?' * 9)})",
                ("merged", "human", "author", person, f"c{organisation.changes}",
                 f"s_{team}{organisation.changes % 2}", team, stream,
                 datetime(week.year, week.month, week.day, 12)),
            )  # fmt: skip
    return organisation


@given(organisations())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_what_the_floor_opens_tells_of_nobody(
    compiled: dict[str, Any], rows: list[tuple[str, str, list[str | None], date]]
) -> None:
    """Whatever the organisation: residual 0."""
    organisation = settled(rows)
    try:
        Floor(compiled).decide(organisation)
        audit(organisation.connection)
    finally:
        organisation.connection.close()


def test_honest_cells_survive(compiled: dict[str, Any]) -> None:
    """Three teams of eight who all work every week hide nothing, down to the week."""
    rows = [
        ("vs_0", f"t_{team}", [f"p{team}{number}" for number in range(8)], week)
        for team in range(3)
        for week in WEEKS
    ]
    organisation = settled(rows)
    assert Floor(compiled).decide(organisation) > 0
    teams = organisation.connection.execute(
        "select bucket, count(*) from open_cells where grain = 'team' group by bucket"
    ).fetchall()
    assert dict(teams) == {"week": 39, "period": 9, "quarter": 3}
    assert not organisation.is_refused()


def test_the_floor_without_its_siblings_rule_is_caught(compiled: dict[str, Any]) -> None:
    """The audit is no echo of the floor: break the rule that hides a sibling, and it says no."""
    floor = Floor(compiled)
    rule = re.compile(r"when\s+all_open = 0\s+and \(\s*place <= 2.*?then 0", re.DOTALL)
    broken = rule.sub("", floor.models["floor_cells"])
    assert broken != floor.models["floor_cells"]
    floor.models["floor_cells"] = broken
    rows = [("vs_0", "t_0", [f"a{n}" for n in range(8)], week) for week in WEEKS]
    rows += [("vs_0", "t_1", [f"b{n}" for n in range(8)], week) for week in WEEKS]
    rows += [("vs_0", "t_2", ["c0", "c1"], week) for week in WEEKS]
    organisation = settled(rows)
    assert floor.decide(organisation) > 0
    assert organisation.is_refused()
