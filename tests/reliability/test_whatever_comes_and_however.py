"""R2 to R4, R6, R15, R26, R27: in which order, how often and from how many sources rows come."""

import csv
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import canaries
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_lab import ModelLab

from orchestration.errors import FlowgrainError
from orchestration.home import Home
from orchestration.landing.accounts import IDENTITIES
from orchestration.landing.contract import Entity, entities
from orchestration.landing.demo import write_demo
from orchestration.landing.door import Door
from orchestration.landing.files import land_files
from orchestration.landing.github import land_github

MARK = datetime(2026, 4, 1, tzinfo=UTC)
FLOW = {
    "change_lead_time", "dependency_wait", "flow_efficiency", "flow_time", "request_delivery_time",
    "stage_time", "stage_wait", "wait_share",
}  # fmt: skip
ITEMS = {
    "escaped_defects", "flow_distribution", "investment_mix", "item_velocity",
    "request_delivery_time",
}  # fmt: skip
# Tables that nobody delivers, what can be measured no more, and what may be told otherwise;
# whatever else is measured stays as it is to the last digit.
ABSENT = {
    "reviews": (
        ("change_reviews", "review_requests"),
        {"reviews"},
        FLOW | {
            "ci_hours_waiting", "knowledge_flow", "review_coverage", "review_rounds",
            "time_to_first_review",
        },
    ),
    "CI": (
        ("ci_runs",),
        {"ci_runs", "mainline_runs"},
        {"build_duration", "build_success_rate", "ci_hours_waiting", "flaky_rate", "wait_share"},
    ),
    "deployments": (
        ("deployments", "deployment_commits"),
        {"customer_requests", "deployments", "production", "unplanned"},
        FLOW | {
            "change_fail_rate", "deployment_commit_share", "deployment_frequency",
            "deployment_rework_rate", "escaped_defects", "failed_deployment_recovery_time",
            "incident_linked_share",
        },
    ),
    "incidents": (
        ("incidents",),
        {"incidents"},
        {
            "change_fail_rate", "failed_deployment_recovery_time", "incident_linked_share",
            "incident_rate", "incident_severity_mix",
        },
    ),
    "the tracker": (
        (
            "work_items", "work_item_transitions", "work_item_links", "change_work_items",
            "initiatives",
        ),
        {
            "customer_requests", "debt", "defects", "effects", "features", "initiatives",
            "item_initiatives", "item_links", "production_defects", "risks", "unplanned_work",
            "work_items",
        },
        FLOW | ITEMS | {
            "anticipated_vs_actual", "ci_hours_waiting", "feature_factory_ratio",
            "flow_time_to_merge", "okr_linkage",
        },
    ),
    "surveys": (("survey_waves", "survey_invitations", "survey_responses"), {"surveys"}, set()),
    "scanners": (
        ("vulnerability_findings", "coverage_reports"),
        {"coverage", "findings"},
        {"vulnerability_remediation_time"},
    ),
    "AI tools": (("ai_usage", "ai_licences"), {"ai_licences", "ai_usage"}, set()),
}  # fmt: skip
MEASURED = ("int_change_measurements", "int_system_measurements")
ENDS = (*MEASURED, "int_capabilities", "int_activity", "int_survey_answers", "int_ai_use")


@pytest.fixture(scope="module")
def models(
    compiled: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ModelLab]:
    """The models up to what is measured, over a small demo."""
    folder = tmp_path_factory.mktemp("absence")
    write_demo(folder / "files", scale=0.05)
    land_files(Home(folder / "home"), folder / "files", is_demo=True)
    lab = ModelLab(compiled, folder / "home")
    lab.build(*ENDS)
    yield lab
    lab.vault.close()


@contextmanager
def for_a_while(models: ModelLab) -> Iterator[None]:
    """Whatever is done to the vault is undone."""
    built = set(models.built)
    models.vault.execute("begin")
    try:
        yield
    finally:
        models.vault.execute("rollback")
        models.built = built


def measured(models: ModelLab) -> dict[str, list[tuple[Any, ...]]]:
    """Every measurement, by metric."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for table in MEASURED:
        for row in models.rows(
            f"select metric_key, measurement::varchar from flowgrain_vault.{table} as measurement"
        ):
            found.setdefault(row[0], []).append(row)
    return {metric: sorted(rows) for metric, rows in found.items()}


def delivered(models: ModelLab) -> set[str]:
    """What can be measured."""
    return {
        name for name, is_there in models.rows("from flowgrain_vault.int_capabilities") if is_there
    }


def shapes(models: ModelLab) -> list[tuple[Any, ...]]:
    """Names and types of every column of every model that is built."""
    return models.rows(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where schema_name like 'flowgrain_%' order by all"
    )


@pytest.mark.parametrize("absent", ABSENT)
def test_a_source_that_is_absent_takes_its_own_measures_and_no_other(
    models: ModelLab, absent: str
) -> None:
    tables, lost, may_change = ABSENT[absent]
    before, could, shape = measured(models), delivered(models), shapes(models)
    with for_a_while(models):
        for table in tables:
            assert models.rows(f'delete from raw_files."{table}"') > [(0,)], table
        models.forget()
        models.build(*ENDS)
        after, can = measured(models), delivered(models)
        assert could - can == lost
        assert can <= could
        assert {metric for metric in before if before[metric] != after.get(metric)} <= may_change
        assert shapes(models) == shape
        assert len(models.data_tests()) > 200
        assert models.failures() == []


def test_rows_in_any_order_are_measured_alike(models: ModelLab) -> None:
    """R2, below the door: tables hold no order that a model could lean on."""
    before = measured(models)
    with for_a_while(models):
        tables = models.rows("select table_name from duckdb_tables() where schema_name='raw_files'")
        for (table,) in tables:
            models.vault.execute(
                f'create or replace table raw_files."{table}" as '
                f'select * from raw_files."{table}" order by hash(_row_hash)'
            )
        models.forget()
        models.build(*ENDS)
        assert measured(models) == before


def test_what_a_second_source_tells_again_counts_once(models: ModelLab) -> None:
    """R4: git tells what files told; it is one event."""
    before = measured(models)
    with for_a_while(models):
        for table in ("changes", "change_commits", "commits", "commit_files"):
            models.vault.execute(f'insert into raw_git."{table}" from raw_files."{table}"')
        models.vault.execute(
            "insert into door.connections select 'git', connection, position, loaded_to, landed_at "
            "from door.connections"
        )
        models.forget()
        models.build(*ENDS)
        assert measured(models) == before


def test_a_name_in_a_mapping_seed_means_what_is_called_so_whatever_it_holds(
    compiled: dict[str, Any], tmp_path: Path
) -> None:
    """R22: of environments, of statuses and of repositories of a system."""
    names = canaries.RUNNING
    seeds: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
        "environments": (("environment", "is_production"), ("true",)),
        "status_map": (("status", "stage", "activity"), ("dev", "active")),
        "system_paths": (
            ("repository", "path_prefix", "system_key", "valid_from", "valid_to"),
            ("", "s_001", "2024-01-01", ""),
        ),
    }
    nodes = dict(compiled["nodes"])
    for seed, (header, meaning) in seeds.items():
        with (tmp_path / f"{seed}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *((name, *meaning) for name in names)])
        [key] = [
            k for k in nodes if nodes[k]["resource_type"] == "seed" and nodes[k]["name"] == seed
        ]
        nodes[key] = {**nodes[key], "original_file_path": str(tmp_path / f"{seed}.csv")}
    lab = ModelLab({"nodes": nodes}, tmp_path / "home")
    try:
        at = datetime(2026, 3, 2)
        deployed = {"result": "success", "finished_at": at}
        for name in names:
            places = {"repository": name, "environment": name}
            lab.land("deployments", [{"deployment_id": f"d-{name}", **places, **deployed}])
            moved = {"work_item_id": f"PAY-{name}", "status": name, "changed_at": at}
            lab.land("work_item_transitions", [moved])
        lab.loaded_to("2026-04-01")
        told = {
            "int_production_deployments": "repository",
            "int_work_item_statuses": "case when stage = 'dev' then status end",
            "int_system_paths": "case when system_key = 's_001' then repository end",
        }
        lab.build(*told)
        for model, name in told.items():
            rows = lab.rows(f"select {name} from flowgrain_vault.{model}")
            assert sorted(rows) == sorted((name,) for name in names), model
    finally:
        lab.vault.close()


def test_no_model_is_built_in_increments(compiled: dict[str, Any]) -> None:
    """R27: what is always built whole is the same after any number of loads."""
    kinds = {
        node["config"]["materialized"]
        for node in compiled["nodes"].values()
        if node["resource_type"] == "model"
    }
    assert kinds == {"table", "view"}


def version_of(change: int, version: int) -> dict[str, Any]:
    """A change as its source tells it at one time; what it tells follows from when."""
    opened = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=change)
    merged = opened + timedelta(hours=version) if version % 3 else None
    return {
        "repository": "shop/checkout", "change_id": str(change), "author": "ada@shop.invalid",
        "opened_at": opened, "merged_at": merged, "title": f"PAY-{change} try {version}",
        "updated_at": opened + timedelta(days=version),
    }  # fmt: skip


@given(
    told=st.lists(st.tuples(st.integers(1, 6), st.integers(1, 9)), min_size=1, max_size=60),
    cuts=st.tuples(st.integers(0, 60), st.integers(0, 60)),
    chance=st.randoms(use_true_random=False),
)
@settings(max_examples=15, deadline=None)
def test_late_early_twice_and_again_the_newest_version_of_each_row_is_what_stays(
    told: list[tuple[int, int]], cuts: tuple[int, int], chance: Any
) -> None:
    """R2, R3, R4, R26: any rows, in any order, cut into any three deliveries."""
    first, second = sorted(cuts)
    deliveries = [told[:first], told[first:second], told[second:]]
    chance.shuffle(deliveries)
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        with Door(home, "files") as door:
            counts = []
            for rows in deliveries:
                with door.load("files", origin="changes.csv", loaded_to=MARK) as load:
                    load.dicts("changes", [version_of(*row) for row in rows])
                counts += load.counts.values()
        with duckdb.connect(str(home.vault), read_only=True) as vault:
            landed = vault.execute(
                "select change_id, merged_at, updated_at from raw_files.changes order by all"
            ).fetchall()
    newest = {change: max(v for c, v in told if c == change) for change, _ in told}
    expected = [version_of(*pair) for pair in newest.items()]
    assert landed == sorted(
        (
            row["change_id"],
            row["merged_at"] and row["merged_at"].replace(tzinfo=None),
            row["updated_at"].replace(tzinfo=None),
        )
        for row in expected
    )
    assert all(count.is_balanced for count in counts)
    assert sum(count.rows_read for count in counts) == len(told)
    assert sum(count.rows_inserted for count in counts) == len(newest)


def months_of(folder: Path, into: Path) -> list[Path]:
    """Cut files by the month of each row's newest time: the last three, and what was before.

    What has no time may come in any of them.
    """
    months = ["before", "2026-05", "2026-06", "2026-07"]
    cut: dict[tuple[str, str], list[list[str]]] = {}
    for name in entities("files"):
        if not (path := folder / f"{name}.csv").exists():
            continue
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        for row in rows:
            times = [cell[:7] for cell in row if re.match(r"20\d\d-\d\d-\d\dT", cell)]
            undated = months[crc32(repr(row).encode()) % len(months)]
            month = max(times, default=undated)
            month = month if month in months else months[0]
            cut.setdefault((month, path.name), [header]).append(row)
    for month in months:
        (into / month).mkdir(parents=True)
        for name in ("extract.csv", IDENTITIES):
            shutil.copy(folder / name, into / month)
    for (month, name), lines in cut.items():
        with (into / month / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(lines)
    return [into / month for month in months]


def landed_of(home: Home) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that files land in, without the number of its load."""
    with duckdb.connect(str(home.vault), read_only=True) as vault:
        tables = [f'raw_files."{name}"' for name in entities("files")]
        return {
            table: vault.execute(
                f"select columns(lambda name: name != '_load_id') from {table} order by all"
            ).fetchall()
            for table in [*tables, "door.people"]
        }


def test_months_may_be_landed_in_any_order_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R26: backward, mixed with one of them twice, and all at once."""
    write_demo(tmp_path / "files", scale=0.02)
    months = months_of(tmp_path / "files", tmp_path / "months")
    orders = {
        "whole": [tmp_path / "files"],
        "backward": months[::-1],
        "again": [months[2], months[0], months[3], months[1], months[2]],
    }
    monkeypatch.setenv("FLOWGRAIN_KEY_FILE", canaries.secrets(tmp_path)["FLOWGRAIN_KEY_FILE"])
    told = {}
    for name, folders in orders.items():
        for folder in folders:
            land_files(Home(tmp_path / name), folder, is_demo=True)
        told[name] = landed_of(Home(tmp_path / name))
    assert sum(map(len, told["whole"].values())) > 1000
    for name in orders:
        assert told[name] == told["whole"], name


REQUEST = {
    "number": 1, "created_at": "2026-03-02T09:00:00Z", "user": {"login": "ada-example"},
    "base": {"repo": {"full_name": "shop/checkout"}}, "title": "PAY-1", "merged_at": None,
}  # fmt: skip
WEBHOOK = {
    "id": "d-1", "result": "SUCCESS", "finishedDate": "2026-03-02T09:00:00Z",
    "deploymentCommits": [{"repoUrl": "https://host.invalid/shop/checkout.git", "commitSha": "a"}],
}  # fmt: skip
# A field more; an optional one less; a needed one less; another type: landed or set aside, and why.
DRIFTS = {
    "github": (
        ({**REQUEST, "mood": {"of": "ada-example"}}, None),
        ({name: REQUEST[name] for name in REQUEST if name != "merged_at"}, None),
        ({name: REQUEST[name] for name in REQUEST if name != "number"}, "missing"),
        ({**REQUEST, "created_at": 1_772_442_000}, "not_a_timestamp"),
    ),
    "webhooks": (
        ({**WEBHOOK, "mood": "ada-example"}, None),
        ({name: WEBHOOK[name] for name in WEBHOOK if name != "result"}, None),
        ({name: WEBHOOK[name] for name in WEBHOOK if name != "finishedDate"}, "missing"),
        ({**WEBHOOK, "finishedDate": 1_772_442_000}, "not_a_timestamp"),
    ),
}


@pytest.mark.parametrize("source", DRIFTS)
@pytest.mark.parametrize("drift", range(4))
def test_a_field_that_changes_sets_aside_what_needs_it_and_nothing_else(
    tmp_path: Path, source: str, drift: int
) -> None:
    """R6, of what a server may send tomorrow."""
    changed, reason = DRIFTS[source][drift]
    home, folder = Home(tmp_path / "home"), tmp_path / "files"
    folder.mkdir()
    if source == "github":
        cells = pa.table({"data": [json.dumps(changed)]})
        pq.write_table(cells, folder / "_raw_github_api_pull_requests.parquet")
        land_github(home, folder, loaded_to=MARK)
        table = "raw_github.pull_requests"
    else:
        (folder / "deployments.jsonl").write_text(json.dumps(changed) + "\n")
        land_files(home, folder, loaded_to=MARK)
        table = "raw_files.deployments"
    with duckdb.connect(str(home.vault), read_only=True) as vault:
        reasons = vault.execute("select reason from door.quarantine").fetchall()
        [(count,)] = vault.execute(f"select count(*) from {table}").fetchall()
        described = str(vault.execute(f"describe {table}").fetchall())
    assert (reasons, count) == (([], 1) if reason is None else ([(reason,)], 0))
    assert "mood" not in described


SERVED = ("files", "github", "devlake")
ENTITIES = [(source, name) for source in SERVED for name in entities(source)]
AS_IT_WAS = {
    "text": "as ever", "integer": "1", "number": "1", "boolean": "true", "quarter": "2026-q1",
    "timestamp": "2026-03-02T09:15:00Z", "person": "ada@shop.invalid", "free_text": "PAY-1",
}  # fmt: skip
# What a column may hold tomorrow, and why that is set aside; text may be anything that is no list.
OTHERWISE = {
    "integer": (("twelve", "not_an_integer"), ("1e99", "not_an_integer")),
    "number": (("a lot", "not_a_number"), ("nan", "not_a_number")),
    "boolean": (("perhaps", "not_a_boolean"),),
    "quarter": (("spring", "not_a_quarter"),),
    "timestamp": (
        ("1772442000", "not_a_timestamp"),
        ("02/03/2026", "not_a_timestamp"),
        ("2026-03-02 09:15:00", "tz_missing"),
    ),
}
Row = dict[str, object]


def row_of(entity: Entity) -> Row:
    """A row as the contract has it."""
    return {
        column.name: str(column.values[0]) if column.values else AS_IT_WAS[column.type]
        for column in entity.columns.values()
    }


def drifts_of(entity: Entity) -> Iterator[tuple[Row, str, str | None]]:
    """Rows as they may come tomorrow: the field that is another, and why a row is set aside."""
    row, columns = row_of(entity), entity.columns.values()
    yield {**row, "mood": "of ada@shop.invalid"}, "", None
    yield {column.name: row[column.name] for column in columns if column.required}, "", None
    numbers = {c.name: 17 for c in columns if c.type in ("text", "person") and not c.values}
    yield {**row, **numbers, "mood": 17}, "", None
    for column in columns:
        if column.required:
            fewer = {name: value for name, value in row.items() if name != column.name}
            yield fewer, column.name, "missing"
        if column.values and column.type == "text":
            yield {**row, column.name: "praised"}, column.name, "unknown_value"
        for value, reason in OTHERWISE.get(column.type, ()):
            yield {**row, column.name: value}, column.name, reason


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Door]]:
    """A door of each source, into a vault of its own."""
    with ExitStack() as stack:
        yield {
            source: stack.enter_context(Door(Home(tmp_path_factory.mktemp(source)), source))
            for source in {source for source, _ in ENTITIES}
        }


@pytest.mark.parametrize(("source", "name"), ENTITIES)
def test_each_column_of_each_entity_may_go_change_or_get_company(
    doors: dict[str, Door], source: str, name: str
) -> None:
    """R6: what needs it is set aside with its reason, all else lands, and what is new does not."""
    entity, door = entities(source)[name], doors[source]
    told = next(key for key in entity.key if entity.columns[key].type == "text")
    alike: dict[object, list[Row]] = {}
    expected = []
    for number, (row, field, reason) in enumerate(drifts_of(entity), 1):
        if field != told:
            row[told] = f"row {number}"
        if reason:
            expected.append((number, field, reason))
        shape = tuple((column, type(value)) for column, value in row.items())
        alike.setdefault(shape, []).append({"_row": number, **row})
    with door.load(source, origin=name, loaded_to=MARK) as load:
        for rows in alike.values():
            load.rows(name, pa.Table.from_pylist(rows))
    noted = door.vault.execute(
        "select row_number, field, reason from door.quarantine where load_id = ? order by all",
        [load.load_id],
    ).fetchall()
    assert noted == expected
    landed = door.vault.execute(f'from raw_{source}."{name}" order by "{told}"')
    columns = [column for column, *_ in landed.description or []]
    assert "mood" not in columns
    _, fewer, _ = (dict(zip(columns, row, strict=True)) for row in landed.fetchall())
    for column in entity.columns.values():
        if column.lands and not column.required:
            kept = f"{column.name}_key" if column.type == "person" else column.name
            assert fewer[kept] is None, kept


def test_a_file_without_a_needed_column_is_refused_and_one_with_more_says_so(
    tmp_path: Path,
) -> None:
    """R6, of files: what is missing is missing of every row."""
    for name, entity in entities("files").items():
        path, row = tmp_path / f"{name}.csv", row_of(entity)
        for column in entity.columns.values():
            if column.required:
                fewer = {key: str(value) for key, value in row.items() if key != column.name}
                path.write_text(",".join(fewer) + "\n" + ",".join(fewer.values()) + "\n")
                with pytest.raises(FlowgrainError, match=f"{name}.csv: column {column.name} is"):
                    land_files(Home(tmp_path / "home"), tmp_path, loaded_to=MARK)
        path.write_text(",".join([*row, "mood"]) + "\n" + ",".join([*map(str, row.values()), "x"]))
    assert not (tmp_path / "home").exists()
    done = land_files(Home(tmp_path / "home"), tmp_path, loaded_to=MARK)
    assert done.dropped_columns == {f"{name}.csv": ["mood"] for name in entities("files")}
    assert {counts.rows_quarantined for counts in done.counts.values()} == {0}


@pytest.mark.parametrize(("bad", "is_refused"), [(50, False), (51, True)])
def test_a_table_that_is_written_otherwise_now_is_refused_and_the_old_one_stays(
    tmp_path: Path, bad: int, is_refused: bool
) -> None:
    """R6: more than half of a hundred rows are not bad rows."""
    home = Home(tmp_path / "home")

    def rows(bad: int) -> pa.Table:
        times = ["today, says ada@shop.invalid"] * bad + ["2026-03-01T00:00:00Z"] * (100 - bad)
        keys = [f"PAY-{number}" for number in range(100)]
        return pa.table({"work_item_id": keys, "created_at": times})

    with Door(home, "files") as door:
        with door.load("files", origin="before", loaded_to=MARK) as load:
            load.rows("work_items", rows(0))
        said = "51 of 100 rows of work_items cannot be read, most of them for created_at: not_a_tim"
        with pytest.raises(FlowgrainError, match=said) if is_refused else nullcontext() as caught:
            with door.load("files", origin="after", loaded_to=MARK) as load:
                load.rows("work_items", rows(bad))
        assert "ada" not in str(caught)
        loads = door.vault.execute("select count(*) from door.loads").fetchall()
        noted = door.vault.execute("select count(*) from door.quarantine").fetchall()
        landed = door.vault.execute("select count(*) from raw_files.work_items").fetchall()
    assert (loads, noted) == (([(1,)], [(0,)]) if is_refused else ([(2,)], [(50,)]))
    assert landed == [(100,)]
    assert list((home.door / "quarantine").glob("*")) == [] or not is_refused


HUGE = {
    "lines that a bigint cannot hold": (2**63, "not_an_integer"),
    "lines of which two are too many for one": (2**63 - 1, "too_large"),
    "more lines than anybody wrote": (10**9 + 1, "too_large"),
    "fewer lines than none": (-(2**63), "negative"),
    "a billion lines": (10**9, None),
}


def test_huge_values_are_set_aside_or_measured_and_overflow_nothing(
    compiled: dict[str, Any], tmp_path: Path
) -> None:
    """R14: lines, files, a life of 400 days, a label of 300 characters, the ends of time."""
    home = Home(tmp_path / "home")
    own = {"repository": "shop/checkout", "change_id": "1"}
    long = {**own, "author": "ada@shop.invalid", "opened_at": datetime(2025, 1, 1, tzinfo=UTC),
            "merged_at": datetime(2026, 2, 5, tzinfo=UTC), "merge_commit": "m"}  # fmt: skip
    early = {**long, "change_id": "2", "opened_at": datetime(1970, 1, 1, tzinfo=UTC)}
    label = "x" * 300
    paths = [f"src/{number}.py" for number in range(50_000)]
    files = [
        {"repository": own["repository"], "commit_sha": "a", "path": path, "additions": 10**9,
         "deletions": 10**9}
        for path in paths
    ]  # fmt: skip
    files += [
        {**files[0], "path": name, "additions": str(lines)} for name, (lines, _) in HUGE.items()
    ]
    with Door(home, "files") as door:
        with door.load("files", origin="huge", loaded_to=MARK) as load:
            load.dicts("changes", [long, early])
            load.dicts("change_commits", [{**own, "commit_sha": "a"}])
            commit = {"repository": own["repository"], "author": "ada@shop.invalid"}
            load.dicts("commits", [{**commit, "commit_sha": sha} for sha in ("a", "m")])
            columns = {name: [str(file[name]) for file in files] for name in files[0]}
            load.rows("commit_files", pa.table(columns))
            load.dicts("incidents", [{"incident_id": label, "system": label,
                                      "opened_at": datetime(2026, 1, 1, tzinfo=UTC)}])  # fmt: skip
        door.arrive("files", loaded_to=MARK)
        noted = door.vault.execute("select row_number, reason from door.quarantine").fetchall()
    assert sorted(reason for _, reason in noted) == sorted(
        reason for _, reason in HUGE.values() if reason
    )
    lab = ModelLab(compiled, home.root)
    try:
        lab.build(*ENDS)
        assert lab.failures() == []
        [(lines,)] = lab.rows(
            "select changed_lines from flowgrain_vault.int_change_sizes where change_key like '%!1'"
        )
        assert lines == 2 * 10**9 * (len(paths) + 1)
    finally:
        lab.vault.close()
