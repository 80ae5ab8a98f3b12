"""What landed is held against the contract and against what is plausible; values never come out."""

import json
import shutil
import socket
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import canaries
import dagster as dg
import duckdb
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from orchestration.build import build, prepare_build
from orchestration.cli import app
from orchestration.errors import FlowgrainError
from orchestration.home import Home
from orchestration.landing import contract
from orchestration.landing.contract import SOURCES, entities
from orchestration.landing.door import open_vault
from orchestration.landing.files import land_files
from orchestration.validation import suites
from orchestration.validation.checks import CHECK, check_results, check_specs
from orchestration.validation.counting import Rule
from orchestration.validation.landed import Result, failed, held, refuse_held, validate
from orchestration.validation.rules import rules, seeded, settings
from orchestration.validation.suites import Checkpoints, in_memory, suite

CANARY = canaries.PERSON
# Shares of a handful of rows tell something here.
SAID = {**settings(), "least_rows": 1}
FILES = {
    "changes": """\
repository,change_id,author,opened_at,merged_at,closed_at,merge_commit
demo/checkout,1,ada@shop.invalid,2026-03-02T09:00:00Z,2026-03-03T09:00:00Z,2026-03-03T09:00:00Z,a1
demo/checkout,2,bo@shop.invalid,2026-03-02T10:00:00Z,2026-03-03T10:00:00Z,2026-03-03T10:00:00Z,a2
demo/checkout,3,ghost,2026-03-02T11:00:00Z,,,
demo/checkout,4,ada@shop.invalid,2026-03-02T12:00:00Z,,,
""",
    "change_reviews": """\
repository,change_id,review_id,kind,reviewer,submitted_at
demo/checkout,1,11,approved,bo@shop.invalid,2026-03-02T12:00:00Z
demo/checkout,2,12,commented,ada@shop.invalid,2026-03-02T13:00:00Z
""",
    "commits": """\
repository,commit_sha,author,authored_at,committed_at
demo/checkout,a1,ada@shop.invalid,2026-03-01T09:00:00Z,2026-03-01T10:00:00Z
demo/checkout,a2,bo@shop.invalid,2026-03-01T09:30:00Z,2026-03-01T09:30:00Z
""",
    "work_items": """\
work_item_id,work_type,created_at,resolved_at,system
PAY-1,feature,2026-03-01T09:00:00Z,2026-03-04T09:00:00Z,s_001
PAY-2,defect,2026-03-01T09:00:00Z,,s_002
""",
    "ci_runs": """\
repository,run_id,commit_sha,workflow,attempt,queued_at,started_at,finished_at
demo/checkout,r1,a1,tests,1,2026-03-02T09:00:00Z,2026-03-02T09:01:00Z,2026-03-02T09:09:00Z
demo/checkout,r2,a2,tests,2,2026-03-02T10:00:00Z,,
""",
    "deployments": """\
deployment_id,repository,system,environment,result,commit_sha,finished_at
d1,demo/checkout,s_001,production,success,a1,2026-03-03T12:00:00Z
d2,demo/checkout,s_001,production,success,a2,2026-03-04T12:00:00Z
""",
    "survey_waves": "wave_id,opened_at,closed_at\n2026-q1,2026-03-02T08:00:00Z,\n",
    "survey_invitations": "wave_id,team,invited_count\n2026-q1,t_01,9\n",
    "survey_responses": """\
wave_id,respondent,team,item,score,hours
2026-q1,ada@shop.invalid,t_01,build_and_test,4,
2026-q1,ada@shop.invalid,t_01,hours_of_toil,,168
2026-q1,bo@shop.invalid,t_01,build_and_test,5,
""",
    "ai_usage": """\
account,team,tool,week_start
ada@shop.invalid,t_01,copilot,2026-03-04T00:00:00Z
bo@shop.invalid,t_01,copilot,2026-03-02T00:00:00Z
""",
    "headcounts": """\
quarter,team,people_count,leaver_count
2026-q1,t_01,9.5,19
2026-q1,t_02,8,0
""",
    "initiatives": """\
initiative_id,anticipated_effect,created_at,delivered_at
INI-1,-2.5,2026-01-12T08:00:00Z,2026-03-01T08:00:00Z
""",
}
# Entity, expectation, what breaks it, of how many rows how many then do, and how grave that is.
FAULTS = [
    (
        "survey_invitations", "has_columns",
        "alter table raw_files.survey_invitations drop column invited_count", 1, 3, "error",
    ),
    (
        "survey_waves", "has_columns",
        "alter table raw_files.survey_waves alter opened_at type varchar", 1, 3, "error",
    ),
    (
        "commits", "has_key_once repository commit_sha",
        "insert into raw_files.commits from raw_files.commits where commit_sha = 'a1'",
        1, 3, "error",
    ),
    (
        "changes", "is_given change_id",
        "update raw_files.changes set change_id = null where change_id = '4'", 1, 4, "error",
    ),
    (
        "ai_usage", "is_given account_key",
        "update raw_files.ai_usage set account_key = null", 2, 2, "error",
    ),
    (
        "changes", "is_not_after_its_extract updated_at",
        f"update raw_files.changes set updated_at = '9999-01-01', merge_commit = '{CANARY}' "
        "where change_id = '1'", 1, 1, "error",
    ),
    (
        "ai_usage", "is_a_monday week_start",
        "update raw_files.ai_usage set week_start = '2026-03-03' "
        "where week_start = (select max(week_start) from raw_files.ai_usage) and tool = 'copilot'",
        2, 2, "error",
    ),
    (
        "headcounts", "is_finite people_count",
        "update raw_files.headcounts set people_count = 'inf' where team = 't_02'", 1, 2, "error",
    ),
    (
        "ci_runs", "is_not_negative attempt",
        "update raw_files.ci_runs set attempt = -1 where run_id = 'r1'", 1, 2, "error",
    ),
    (
        "survey_responses", "is_not_too_large hours",
        "update raw_files.survey_responses set hours = 169 where hours is not null", 1, 3, "error",
    ),
    (
        "headcounts", "is_at_most_twice leaver_count people_count",
        "update raw_files.headcounts set leaver_count = 20 where team = 't_01'", 1, 2, "error",
    ),
    (
        "change_reviews", "is_of_the_list kind",
        f"update raw_files.change_reviews set kind = '{CANARY}' where review_id = '11'",
        1, 2, "error",
    ),
    (
        "survey_responses", "is_of_the_list score",
        "update raw_files.survey_responses set score = 6 where score = 5", 1, 3, "error",
    ),
    (
        "headcounts", "is_a_quarter quarter",
        "update raw_files.headcounts set quarter = '2026' where team = 't_02'", 1, 2, "error",
    ),
    (
        "ci_runs", "is_plain_text workflow",
        f"update raw_files.ci_runs set workflow = repeat('{CANARY}', 400) where run_id = 'r2'",
        1, 2, "error",
    ),
    (
        "work_items", "is_in_order created_at resolved_at",
        "update raw_files.work_items set created_at = '2026-03-05' where work_item_id = 'PAY-1'",
        1, 1, "error",
    ),
    (
        "change_reviews", "is_among_changes repository change_id",
        f"update raw_files.change_reviews set change_id = '{CANARY}'", 2, 2, "error",
    ),
    (
        "ci_runs", "is_mapped repository",
        f"update raw_files.ci_runs set repository = '{CANARY}/x' where run_id = 'r2'",
        1, 2, "warning",
    ),
    (
        "deployments", "is_told_once repository system environment commit_sha finished_at",
        "insert into raw_files.deployments select * replace ('d3' as deployment_id) "
        "from raw_files.deployments where deployment_id = 'd1'", 1, 3, "warning",
    ),
    (
        "initiatives", "is_readable",
        "update door.load_counts set rows_quarantined = 1 where entity = 'initiatives'",
        1, 1, "error",
    ),
]  # fmt: skip
Outcomes = dict[tuple[str, str, str], Result]


def landed(folder: Path) -> Home:
    """Return an installation in which the files above have landed."""
    (folder / "files").mkdir(parents=True)
    for name, text in FILES.items():
        (folder / "files" / f"{name}.csv").write_text(text)
    home = Home(folder / "home")
    land_files(home, folder / "files", loaded_to=datetime(2026, 4, 6, tzinfo=UTC))
    return home


def change(home: Home, *statements: str) -> None:
    """Write to the vault around the door."""
    with duckdb.connect(str(home.vault)) as vault:
        for statement in statements:
            vault.execute(statement)


def by_name(results: list[Result]) -> Outcomes:
    """Results as they are asked for."""
    return {(result.entity, result.name, result.severity): result for result in results}


@pytest.fixture(scope="module", autouse=True)
def own_organisation() -> Iterator[None]:
    """The demo's seeds, whatever who runs this has set."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("FLOWGRAIN_ORGANISATION", raising=False)
        yield


@pytest.fixture(scope="module")
def sound_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """An installation in which all is as expected; not to be written to."""
    return landed(tmp_path_factory.mktemp("sound"))


@pytest.fixture(scope="module")
def sound(sound_home: Home) -> Outcomes:
    """What is said of it."""
    return by_name(validate(sound_home, "files", SAID))


@pytest.fixture(scope="module")
def broken_home(tmp_path_factory: pytest.TempPathFactory, sound_home: Home) -> Home:
    """The same with every fault of the list."""
    root = tmp_path_factory.mktemp("broken") / "home"
    shutil.copytree(sound_home.root, root)
    home = Home(root)
    change(home, *(statement for _, _, statement, *_ in FAULTS))
    return home


@pytest.fixture(scope="module")
def broken(broken_home: Home) -> Outcomes:
    """What is said of it."""
    return by_name(validate(broken_home, "files", SAID))


@pytest.fixture
def home(tmp_path: Path, sound_home: Home) -> Home:
    """A copy of the sound installation, to be broken."""
    shutil.copytree(sound_home.root, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.mark.parametrize(
    ("entity", "expectation", "broken_rows", "of", "severity"),
    [(fault[0], fault[1], *fault[3:]) for fault in FAULTS],
    ids=[f"{fault[0]} {fault[1]}" for fault in FAULTS],
)
def test_what_breaks_an_expectation_is_counted_and_nothing_else_is(
    sound: Outcomes,
    broken: Outcomes,
    entity: str,
    expectation: str,
    broken_rows: int,
    of: int,
    severity: str,
) -> None:
    """The same expectation holds before, of at most as many rows."""
    before, after = sound[entity, expectation, severity], broken[entity, expectation, severity]
    assert before.success
    assert before.unexpected_count == 0
    assert not after.success
    assert (after.unexpected_count, after.element_count) == (broken_rows, of)


def test_what_is_as_expected_is_told_so(sound: Outcomes) -> None:
    """No expectation fails on rows that nothing is wrong with, not even as a warning."""
    assert sound
    assert [name for name, result in sound.items() if not result.success] == []


def test_only_what_was_broken_fails(broken: Outcomes) -> None:
    """Without their accounts two who used a tool in one week are one row twice; inf is too much."""
    followed = {
        ("ai_usage", "has_key_once account_key tool week_start"),
        ("headcounts", "is_not_too_large people_count"),
    }
    failing = {(entity, name) for (entity, name, _), r in broken.items() if not r.success}
    assert failing == {(entity, name) for entity, name, *_ in FAULTS} | followed


def test_no_value_is_in_what_is_kept_of_a_validation(broken_home: Home, broken: Outcomes) -> None:
    """GL-A04: counts and names of columns; the rows hold the canary in eight places."""
    assert not broken["change_reviews", "is_of_the_list kind", "error"].success
    files = [path for path in (broken_home.ops / "validations").rglob("*") if path.is_file()]
    assert [path.name for path in files] == ["files.json"]
    told = files[0].read_bytes().lower()
    for form in canaries.spoken(CANARY):
        assert form not in told
    with duckdb.connect(str(broken_home.vault), read_only=True) as vault:
        values = vault.execute(
            "select distinct author_key from raw_files.changes where author_key is not null "
            "union all select distinct repository from raw_files.changes"
        ).fetchall()
    assert len(values) == 3
    assert not [value for (value,) in values if value.lower().encode() in told]
    assert files[0].parent.stat().st_mode & 0o777 == 0o700


def test_every_landed_table_has_a_suite() -> None:
    """Of every source: and each expectation of it is an expectation of Great Expectations."""
    for source in SOURCES:
        for name, entity in entities(source).items():
            made = suite(source, name)
            assert made.name == f"{source}.{name}"
            assert len(made.expectations) == len(rules(source, entity)) > 0
            assert {"has_columns", "has_key_once"} <= {
                expectation.meta["rule"] for expectation in made.expectations
            }


def test_suite_and_door_are_made_of_one_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the contract says anew, the door enforces and the suite expects."""
    document = yaml.safe_load(Path(contract.__file__).with_name("contract.yml").read_text())
    columns = document["entities"]["ci_runs"]["columns"]
    columns["workflow"]["required"] = True
    columns["attempt"]["values"] = [1]
    new = ("is_given workflow", "is_of_the_list attempt")
    assert not {rule.measure for rule in rules("files", entities()["ci_runs"])} & set(new)
    with monkeypatch.context() as patch:
        patch.setattr(contract, "_document", lambda name: document)
        contract.entities.cache_clear()
        try:
            assert {rule.measure for rule in rules("files", entities()["ci_runs"])} >= set(new)
            made = suite("files", "ci_runs")
            assert {e.column for e in made.expectations} >= set(new)
            home = Home(tmp_path / "home")
            (tmp_path / "files").mkdir()
            (tmp_path / "files" / "ci_runs.csv").write_text(
                FILES["ci_runs"].replace("a2,tests,2", "a2,,1").replace("tests,1", "tests,2")
            )
            done = land_files(home, tmp_path / "files", loaded_to=datetime(2026, 4, 6, tzinfo=UTC))
        finally:
            contract.entities.cache_clear()
    # One run is without a workflow, the other at its second attempt.
    assert done.counts["ci_runs"].rows_quarantined == done.counts["ci_runs"].rows_read == 2


def test_settings_that_name_what_is_not_there_are_refused() -> None:
    """A slip of the pen would expect nothing, for ever."""
    for name, slip in {
        "ordered": ["opened_at <= closed"],
        "covered": {"commits": ["repository", "commit_sha = hash"]},
        "unique": ["repository", "opened"],
    }.items():
        said = {**SAID, name: {**SAID[name], "columns": {"contract": {"changes": slip}}}}
        with pytest.raises(FlowgrainError, match=r"expectations\.yml"):
            rules("files", entities()["changes"], said)
    for slips in (
        {"accepted": {"file.changes": ["is_readable"]}},
        {"accepted": {"files.changes": ["is_red"]}},
        {"quarantined": {"mistake": 0.5}},
    ):
        with pytest.raises(FlowgrainError, match=r"expectations\.yml"):
            rules("files", entities()["changes"], {**SAID, **slips})


def volume_of(home: Home, source: str, entity: str) -> dict[str, tuple[bool, int, int]]:
    """What is told of the number of rows of an entity, by severity and direction."""
    return {
        f"{result.severity} {'more' if 'more' in result.expectation else 'fewer'}": (
            result.success, result.unexpected_count, result.element_count,
        )
        for result in validate(home, source, {**settings(), "least_rows": 100})
        if result.entity == entity and "than_usual" in result.expectation
    }  # fmt: skip


def deliver(
    home: Home, source: str, entity: str, *loads: tuple[str, int], connection: str = "one"
) -> None:
    """Write down loads of an entity: up to when, and of how many rows."""
    with duckdb.connect(str(home.vault)) as vault:
        for loaded_to, count in loads:
            [load_id] = vault.execute("select nextval('door.load_ids')").fetchone() or (0,)
            vault.execute(
                "insert into door.loads (load_id, source, connection, origin, loaded_to) "
                "values (?, ?, ?, ?, ?)",
                [load_id, source, connection, connection, loaded_to],
            )
            vault.execute(
                "insert into door.load_counts (load_id, source, entity, rows_read, "
                "rows_quarantined) values (?, ?, ?, ?, 0)",
                [load_id, source, entity, count],
            )


@pytest.fixture
def empty_home(tmp_path: Path) -> Home:
    """A vault in which nothing has landed yet."""
    home = Home(tmp_path / "home").prepare()
    open_vault(home).close()
    return home


WEEKS = [f"2026-0{month}-{day:02}" for month, day in [(3, 2), (3, 9), (3, 16), (3, 23), (3, 30)]]


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        # 80 % of the usual 1,000 rows are missing.
        ([1000, 900, 1100, 1000, 200], {"error fewer": (False, 800, 1000)}),
        ([1000, 900, 1100, 1000, 0], {"error fewer": (False, 1000, 1000)}),
        (
            [1000, 900, 1100, 1000, 400],
            {"error fewer": (True, 600, 1000), "warning fewer": (False, 600, 1000)},
        ),
        ([1000, 900, 1100, 1000, 990], {"warning fewer": (True, 10, 1000)}),
        ([1000, 900, 1100, 1000, 5000], {"warning more": (False, 4000, 1000)}),
        # The first load brings the history: the median of the others does not know it.
        ([90_000, 1000, 1000, 1000, 950], {"warning fewer": (True, 50, 1000)}),
        # Two loads are no custom, and of a few rows no share is told.
        ([1000, 1000, 10], {"error fewer": (True, 0, 0)}),
        ([10, 10, 10, 10, 1], {"error fewer": (True, 9, 10)}),
    ],
)
@pytest.mark.parametrize("source", ["files", "git"])
def test_a_delivery_is_held_against_those_before(
    empty_home: Home, source: str, counts: list[int], told: dict[str, tuple[bool, int, int]]
) -> None:
    """R15: -80 % against the last four; weekly deliveries read the same whether whole or not."""
    deliver(empty_home, source, "changes", *zip(WEEKS, counts, strict=False))
    found = volume_of(empty_home, source, "changes")
    assert {name: found[name] for name in told} == told


def test_what_a_delivery_comes_without_is_missing(empty_home: Home) -> None:
    """The mark says that all is loaded up to it: weeks would close without these events."""
    deliver(empty_home, "files", "incidents", *[(week, 300) for week in WEEKS[:4]])
    deliver(empty_home, "files", "changes", *[(week, 1000) for week in WEEKS])
    assert volume_of(empty_home, "files", "incidents")["error fewer"] == (False, 300, 300)
    assert volume_of(empty_home, "files", "changes")["warning fewer"] == (True, 0, 1000)


def test_of_a_delivery_that_came_again_the_last_counts(empty_home: Home) -> None:
    """In both directions: what was cut short is put right, what was right is cut short."""
    deliver(empty_home, "files", "changes", *[(week, 1000) for week in WEEKS], (WEEKS[4], 100))
    assert volume_of(empty_home, "files", "changes")["error fewer"] == (False, 900, 1000)
    deliver(empty_home, "files", "changes", (WEEKS[4], 990))
    assert volume_of(empty_home, "files", "changes")["warning fewer"] == (True, 10, 1000)


def test_a_source_is_one_whatever_it_consists_of(empty_home: Home) -> None:
    """A repository in which work rests is no drop of the source, nor is one that is new a surge."""
    counts = {"shop/old": [200, 200, 200, 200, 5], "shop/main": [1000] * 5, "shop/new": [0] * 4}
    counts["shop/new"].append(150)
    for connection, rows in counts.items():
        loads = zip(WEEKS, rows, strict=True)
        deliver(empty_home, "git", "commits", *loads, connection=connection)
    told = volume_of(empty_home, "git", "commits")
    # 1,155 of the usual 1,200.
    assert told["warning fewer"] == (True, 45, 1200)
    assert told["warning more"] == (True, 0, 1200)


def test_of_increments_weeks_are_compared(empty_home: Home) -> None:
    """A source that lands by the hour brings little by night: that is no drop."""
    hours = [
        (f"2026-03-{day:02} {hour:02}:00", 0 if hour < 8 else 50)
        for day in range(1, 29)
        for hour in range(0, 24, 4)
    ]
    deliver(empty_home, "devlake", "issues", *hours, ("2026-03-29 00:00", 1))
    # Seven days of four deliveries of 50 rows each; the newest week ends with a row at midnight.
    assert volume_of(empty_home, "devlake", "issues")["warning fewer"] == (True, 0, 1400)


def test_a_million_rows_cost_great_expectations_no_more_than_one(
    sound_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every batch is one row of shares: no value of a row reaches it."""
    batches = []

    def kept(rows: list[dict[str, float]]) -> pd.DataFrame:
        batches.append(pd.DataFrame(rows))
        return batches[-1]

    monkeypatch.setattr(suites, "pd", SimpleNamespace(DataFrame=kept))
    validate(sound_home, "files", SAID)
    assert batches
    for batch in batches:
        assert len(batch) == 1
        assert {str(kind) for kind in batch.dtypes} <= {"float64"}


def test_great_expectations_keeps_nothing_and_tells_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A07: no file of its own, no connection, and of a result whether it is as expected."""

    def connect(*args: object) -> None:
        raise AssertionError("it asked another machine")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    context = in_memory()
    rule = Rule("is_given", ("author",), "")
    assert Checkpoints(context).hold("files.changes", [rule], {rule.measure: (3, 10)}) == [False]
    assert list(tmp_path.rglob("*")) == []
    [key] = context.validation_results_store.list_keys()
    [result] = context.validation_results_store.get(key).results
    assert not result.success
    assert result.result == {}


@pytest.mark.parametrize("of", ["expectation", "metric"])
def test_a_crash_is_an_error_and_no_failed_check(monkeypatch: pytest.MonkeyPatch, of: str) -> None:
    """It says nothing of the data, and its words, which may, go nowhere."""

    def crash(*args: object, **kwargs: object) -> None:
        raise RuntimeError(CANARY)

    if of == "expectation":
        monkeypatch.setattr(suites.ExpectColumnValuesToBeBetween, "_validate", crash)
    else:
        without = SimpleNamespace(DataFrame=lambda rows: pd.DataFrame({"another": [0.0]}))
        monkeypatch.setattr(suites, "pd", without)
    rule = Rule("is_given", ("author",), "")
    with pytest.raises(FlowgrainError, match="could not be evaluated") as raised:
        Checkpoints(in_memory()).hold("files.changes", [rule], {rule.measure: (0, 10)})
    assert CANARY not in str(raised.value)


def test_what_is_accepted_is_told_as_a_warning(home: Home) -> None:
    """Somebody looked into it: it shows, and blocks nothing."""
    change(home, "update raw_files.ci_runs set attempt = -1 where run_id = 'r1'")
    [error] = failed(validate(home, "files", SAID), "error")
    assert (error.entity, error.name) == ("ci_runs", "is_not_negative attempt")
    assert held(home, SAID) == [error]
    said = {**SAID, "accepted": {"files.ci_runs": ["is_not_negative attempt"]}}
    results = validate(home, "files", said)
    assert failed(results, "error") == held(home, said) == []
    # What is expected has changed, so the build asks again.
    assert held(home, SAID) == [error]
    assert [result.name for result in failed(results, "warning")] == ["is_not_negative attempt"]


def test_a_file_of_ones_own_says_what_differs(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest stays as it is; what is not there is refused, with the place."""
    change(home, "update raw_files.ci_runs set attempt = -1 where run_id = 'r1'")
    own = tmp_path / "own.yml"
    monkeypatch.setenv("FLOWGRAIN_EXPECTATIONS", str(own))
    with pytest.raises(FlowgrainError, match=r"own\.yml cannot be read \(FileNotFoundError\)"):
        settings()
    own.write_text("quarantaine: {error: 1}\n")
    with pytest.raises(FlowgrainError, match=r"own\.yml: there is no setting quarantaine"):
        settings()
    other = tmp_path / "other.yml"
    other.write_text(
        "least_rows: 7\nvolume: {drop: {error: 0.9}}\n"
        "accepted: {files.ci_runs: [is_not_negative attempt]}\n"
    )
    monkeypatch.setenv("FLOWGRAIN_EXPECTATIONS", str(other))
    assert settings()["least_rows"] == 7
    assert settings()["volume"]["drop"] == {"warning": 0.5, "error": 0.9}
    assert settings()["unique"] == SAID["unique"]
    assert held(home) == []


@pytest.mark.parametrize(
    ("slip", "said"),
    [
        ("least_rows: many", "least_rows is not a number"),
        ("quarantined: 0.5", "quarantined is not a group of settings"),
        ("quarantined: {error: much}", "quarantined: error is not a number"),
        ("accepted:", "accepted is not a group of settings"),
        ("1: x\nfoo: y", "there is no setting 1"),
        ("quarantined: {1: 0.5, foo: 0.4}", "quarantined: 1 is not a number"),
        ("quarantined: {error: .nan}", "quarantined: error is not a number"),
        ("quarantined: {error: true}", "quarantined: error is not a number"),
        ("quarantined: {error: 2020-13-45}", r"cannot be read \(ValueError\)"),
        ("accepted: [{table: files.changes}]", "accepted is not a group of settings"),
        ("accepted: {files.changes: is_readable}", "accepted: files.changes is not a list"),
        ("accepted: {files.changes: [{is_readable: 1}]}", "accepted: files.changes is not a list"),
        ("ordered: {columns: {contract: {changes: [opened_at]}}}", "opened_at is no order"),
        ("mapped: {columns: {repository: systems}}", "systems is no column of a seed"),
        ("mapped: {columns: {repository: nothing.at_all}}", "no column at_all that can be read"),
    ],
)
def test_a_file_of_ones_own_that_is_written_otherwise_is_said(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slip: str, said: str
) -> None:
    """In a line with the place, never as a traceback."""
    own = tmp_path / "own.yml"
    own.write_text(slip + "\n")
    monkeypatch.setenv("FLOWGRAIN_EXPECTATIONS", str(own))
    with pytest.raises(FlowgrainError, match=said):
        validate(home, "files")


def test_an_error_of_names_is_held_until_the_seed_knows_them(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing lands anew for it: what is known counts as what is expected."""
    mapped = {"thresholds": {"error": 0.1}, "columns": {"repository": "system_paths.repository"}}
    said = {**SAID, "mapped": mapped}
    known: dict[str, list[str]] = {name: [] for name in seeded(said)}
    monkeypatch.setattr("orchestration.validation.landed._seeded", lambda *_: known)
    assert {error.name for error in held(home, said)} == {"is_mapped repository"}
    known.update({name: ["demo/checkout"] for name in known})
    assert held(home, said) == []


def test_an_error_is_held_until_it_lands_right(home: Home, tmp_path: Path) -> None:
    """In whatever run it landed; what lands since is looked at anew."""
    assert held(home, SAID) == []
    rows = "repository,change_id,review_id,kind,reviewer,submitted_at\n" + "".join(
        f"demo/checkout,{number},2{number},approved,bo@shop.invalid,2026-03-03T10:05:00Z\n"
        for number in range(5, 15)
    )
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "change_reviews.csv").write_text(rows)
    land_files(home, tmp_path / "more", loaded_to=datetime(2026, 4, 7, tzinfo=UTC))
    [error] = held(home, SAID)
    assert error.name == "is_among_changes repository change_id"
    assert (error.unexpected_count, error.element_count) == (10, 12)
    rows = "repository,change_id,author\n" + "".join(
        f"demo/checkout,{number},ada@shop.invalid\n" for number in range(5, 15)
    )
    (tmp_path / "more" / "changes.csv").write_text(rows)
    land_files(home, tmp_path / "more", loaded_to=datetime(2026, 4, 7, tzinfo=UTC))
    assert held(home, SAID) == []


def test_a_build_asks_before_it_starts(home: Home) -> None:
    """On the command line as in Dagster: of 200 rows one may be in quarantine, not two."""
    unreadable = """
        update door.load_counts set rows_read = 200, rows_quarantined = {}
        where entity = 'ci_runs' and source = 'files'
    """
    change(home, unreadable.format(1))
    with home.writing():
        prepare_build(home, target="dev")
    change(home, unreadable.format(2))
    shutil.rmtree(home.ops / "validations")
    with pytest.raises(FlowgrainError, match=r"files\.ci_runs is_readable \(2 of 200\)"):
        build(home)
    assert not (home.target / "run_results.json").exists()


READ = ("change_reviews", "ci_runs")
MANIFEST = {
    "sources": {
        f"source.{source}.{name}": {"source_name": source, "name": name}
        for source in ("files", "git")
        for name in (*READ, "refs")
    },
    "child_map": {
        f"source.{source}.{name}": ["model.stg" if name in READ else "test.not_null"]
        for source in ("files", "git")
        for name in (*READ, "refs")
    },
}


def graph_of(home: Home) -> list[dg.AssetsDefinition]:
    """Two sources, what hangs on each and on both: as the real one, but small."""

    def landing(source: str) -> dg.AssetsDefinition:
        specs = [dg.AssetSpec([source, name]) for name in (*READ, "refs")]

        @dg.multi_asset(
            specs=specs,
            check_specs=check_specs(specs, MANIFEST),
            name=source,
            retry_policy=dg.RetryPolicy(max_retries=1),
        )
        def land() -> Iterator[Any]:
            for spec in specs:
                yield dg.MaterializeResult(asset_key=spec.key)
            yield from check_results(home, specs, MANIFEST)

        return land

    def below(name: str, *sources: str) -> dg.AssetsDefinition:
        @dg.asset(name=name, deps=[dg.AssetKey([source, "ci_runs"]) for source in sources])
        def hangs() -> None: ...

        return hangs

    return [
        landing("files"), landing("git"), below("of_files", "files"), below("of_git", "git"),
        below("of_both", "files", "git"),
    ]  # fmt: skip


def run_of(home: Home) -> tuple[dg.ExecuteInProcessResult, set[str]]:
    """Run it all; with the steps that started."""
    done = dg.materialize(graph_of(home), raise_on_error=False)
    return done, {event.step_key for event in done.all_events if event.is_step_start}


def checks_of(done: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    """Evaluations by the table that they are of."""
    found = done.get_asset_check_evaluations()
    assert {check.check_name for check in found} == {CHECK}
    return {"/".join(check.asset_key.path): check for check in found}


def test_an_error_blocks_what_hangs_on_its_source_and_only_that(home: Home) -> None:
    """The other source lands, is checked and goes on; no retry, and the canary is in no event."""
    change(home, f"update raw_files.change_reviews set kind = '{CANARY}' where review_id = '11'")
    done, started = run_of(home)
    assert started == {"files", "git", "of_git"}
    assert not [event for event in done.all_events if event.is_step_up_for_retry]
    check = checks_of(done)["files/change_reviews"]
    assert (check.passed, check.severity, check.blocking) == (
        False, dg.AssetCheckSeverity.ERROR, True,
    )  # fmt: skip
    assert check.metadata["rows against is_of_the_list kind"].value == 1
    others = {name: c.passed for name, c in checks_of(done).items() if c != check}
    assert len(others) == 5
    assert all(others.values())
    for event in done.all_events:
        assert CANARY not in dg.serialize_value(event)
    with pytest.raises(FlowgrainError, match="is_of_the_list kind"):
        refuse_held(home, MANIFEST)


def test_a_warning_shows_and_blocks_nothing(home: Home) -> None:
    """Of 200 rows all are of a repository that nobody mapped."""
    change(
        home,
        f"""
        insert into raw_files.ci_runs
        select * exclude (number) replace ('{CANARY}' as repository, 'x' || number as run_id)
        from raw_files.ci_runs, range(200) as numbers (number)
        where run_id = 'r1'
        """,
    )
    done, started = run_of(home)
    assert done.success
    assert started == {"files", "git", "of_files", "of_git", "of_both"}
    check = checks_of(done)["files/ci_runs"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert check.metadata["rows against is_mapped repository"].value == 200
    refuse_held(home, MANIFEST)


def test_an_error_of_a_table_that_nothing_reads_blocks_nothing() -> None:
    """Nothing hangs on it."""
    specs = [dg.AssetSpec(["files", name]) for name in (*READ, "refs")]
    blocking = {spec.asset_key.path[-1]: spec.blocking for spec in check_specs(specs, MANIFEST)}
    assert blocking == {"change_reviews": True, "ci_runs": True, "refs": False}


def test_a_source_that_never_landed_is_no_error(empty_home: Home, tmp_path: Path) -> None:
    """Neither before the vault is there nor after."""
    specs = [dg.AssetSpec(["git", "changes"])]
    for home in (Home(tmp_path / "nowhere"), empty_home):
        [check] = check_results(home, specs, MANIFEST)
        assert check.passed
        assert check.metadata["expectations"].value == 0
    assert held(empty_home) == []
    with pytest.raises(FlowgrainError, match="Nothing has landed yet"):
        validate(Home(tmp_path / "nowhere"), "git")


def test_the_command_prints_what_is_not_as_expected(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And ends with 1 on an error; counts, no values."""
    monkeypatch.setenv("FLOWGRAIN_HOME", str(home.root))
    # However narrow: what is accepted is written with the names that are printed.
    monkeypatch.setenv("COLUMNS", "40")
    done = CliRunner().invoke(app, ["validate"])
    assert done.exit_code == 0
    assert "0 errors, 0 warnings" in done.stdout
    change(home, f"update raw_files.change_reviews set kind = '{CANARY}' where review_id = '11'")
    done = CliRunner().invoke(app, ["validate", "files"])
    assert done.exit_code == 1
    [line] = [line for line in done.stdout.splitlines() if "change_reviews" in line]
    assert line.split() == [
        "files.change_reviews", "is_of_the_list", "kind", "error", "1", "2",
    ]  # fmt: skip
    assert CANARY not in done.stdout
    assert "FLOWGRAIN_EXPECTATIONS" in done.stdout
    done = CliRunner().invoke(app, ["validate", "devlake"])
    assert done.stdout == "Nothing of devlake has landed.\n"
    kept = json.loads((home.ops / "validations" / "files.json").read_text())
    assert sum(not row["success"] for row in kept["results"]) == 1
    done = CliRunner().invoke(app, ["validate", "jira"])
    assert done.exit_code == 1
    assert "There is no source jira" in done.stderr
