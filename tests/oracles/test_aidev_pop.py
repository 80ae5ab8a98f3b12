"""A real data set through the files contract: honest about what it cannot tell."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "aidev_pop"
REFERENCE = DATA / "pull_requests.parquet"

pytestmark = pytest.mark.skipif(
    not REFERENCE.exists(), reason="the data set AIDev-pop is not part of the repository"
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data set landed, built and published, by the commands of its README."""
    folder = tmp_path_factory.mktemp("aidev")
    script = ROOT / "examples" / "aidev_pop" / "convert.py"
    subprocess.run([sys.executable, str(script), str(DATA), str(folder)], check=True)
    environment = {
        **os.environ,
        "FLOWGRAIN_HOME": str(folder / "home"),
        "FLOWGRAIN_ORGANISATION": str(folder / "organisation"),
        "FLOWGRAIN_EXPECTATIONS": "examples/expectations.yml",
    }
    flowgrain = str(Path(sys.executable).with_name("flowgrain"))
    for command in (["land", "files", str(folder / "events")], ["build"], ["publish"]):
        done = subprocess.run(
            [flowgrain, *command], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "home"


@pytest.fixture
def vault(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """What the door and dbt wrote."""
    with duckdb.connect(str(home / "vault" / "vault.duckdb"), read_only=True) as connection:
        yield connection


@pytest.fixture
def marts(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """What the gate released."""
    with duckdb.connect(str(home / "published" / "marts.duckdb"), read_only=True) as connection:
        connection.execute("use marts.marts")
        yield connection


def one(connection: duckdb.DuckDBPyConnection, query: str) -> object:
    """The only value of a query."""
    ((value,),) = connection.execute(query).fetchall()
    return value


def test_the_changes_are_those_of_the_set(vault: duckdb.DuckDBPyConnection) -> None:
    assert one(vault, "select count(*) from flowgrain_vault.int_change_lives") == 7122
    complete = """
        select count(*)
        from flowgrain_vault.stg_canonical__changes as changes
        where changes.merged_at is not null and exists (
            select 1 from flowgrain_vault.stg_canonical__change_reviews as reviews
            where reviews.change_key = changes.change_key and reviews.kind = 'approved'
        )
    """
    assert one(vault, complete) == 1497


def test_orphan_reviews_are_set_aside_and_counted(vault: duckdb.DuckDBPyConnection) -> None:
    orphans = f"""
        select count(*) from '{DATA}/pr_reviews.parquet' as reviews
        where pr_id not in (select pr_id from '{REFERENCE}')
    """
    assert one(vault, orphans) == 9480
    set_aside = "select count(*) from door.quarantine where entity = 'change_reviews'"
    assert one(vault, set_aside) == 9480 + 129
    balance = """
        select bool_and(rows_read = rows_inserted + rows_updated + rows_unchanged
            + rows_superseded + rows_quarantined)
        from door.load_counts
    """
    assert one(vault, balance)


def test_review_of_what_bots_opened_is_published(marts: duckdb.DuckDBPyConnection) -> None:
    told = marts.execute(
        """
        select distinct metric_key from metric_observations
        where status = 'ok' and slice in ('author_kind', 'bot_stage') and grain = 'value_stream'
            and (slice = 'author_kind' or slice_value = 'review')
        """
    ).fetchall()
    assert {key for (key,) in told} >= {"stage_wait", "time_to_first_review", "review_coverage"}


@pytest.mark.parametrize(
    "series",
    [
        "metric_key in ('flow_time', 'flow_time_to_merge', 'flow_efficiency', 'wait_share')",
        "metric_key in ('wait_intensity', 'flow_load', 'work_age', 'review_rounds')",
        "metric_key in ('stage_time', 'stage_wait') and slice_value in ('dev', 'deploy')",
    ],
)
def test_what_it_cannot_tell_reads_not_measurable(
    marts: duckdb.DuckDBPyConnection, series: str
) -> None:
    statuses = f"select distinct status from metric_observations where {series}"
    assert marts.execute(statuses).fetchall() == [("not_measurable",)]


def test_no_account_of_the_set_passes_the_gate(home: Path) -> None:
    people = duckdb.execute(f"select distinct \"user\" from '{REFERENCE}'").fetchall()
    released = home / "published" / "marts.duckdb"
    with duckdb.connect(str(released), read_only=True) as connection:
        tables = connection.execute("show all tables").fetchall()
        texts: set[str] = set()
        for _, schema, table, names, types, _ in tables:
            for name, kind in zip(names, types, strict=True):
                if kind == "VARCHAR":
                    values = connection.execute(
                        f'select distinct "{name}" from marts."{schema}"."{table}"'
                    ).fetchall()
                    texts |= {value.casefold() for (value,) in values if value}
    assert {person.casefold() for (person,) in people} & texts == set()
    assert json.loads((home / "published" / "release_report.json").read_text())["k"] == 5
