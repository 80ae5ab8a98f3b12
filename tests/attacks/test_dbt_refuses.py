"""A leaking model is stopped by dbt itself, by name: before it is built, or as it is tested."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import yaml

from orchestration.home import Home
from orchestration.landing.door import open_vault

ROOT = Path(__file__).parents[2]
DBT = str(Path(sys.executable).with_name("dbt"))
YML = """
models:
  - name: leak
    description: One row per leak.
    columns:
      - {{ name: {column}, data_type: string, description: A leak. }}
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project to leak from, with an empty vault beside it."""
    folder = tmp_path_factory.mktemp("leak")
    ignored = shutil.ignore_patterns(
        ".git", ".venv", ".flowgrain", ".organisation", "tests", "docs"
    )
    project = shutil.copytree(ROOT, folder / "project", ignore=ignored)
    shutil.copytree(ROOT / "tests/generic", project / "tests/generic")
    shutil.copy(ROOT / "profiles.yml.example", project / "profiles.yml")
    open_vault(Home(folder / "home").prepare()).close()
    return project


def dbt(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run dbt on the copy, with an installation of its own."""
    home = project.parent / "home"
    environment = {
        **os.environ,
        "FLOWGRAIN_HOME": str(home),
        "FLOWGRAIN_ORGANISATION": "seeds/organisation",
        "DBT_TARGET_PATH": str(home / "target"),
        "DBT_LOG_PATH": str(home / "logs"),
    }
    return subprocess.run(
        [DBT, "--no-use-colors", *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def build(project: Path, sql: str, column: str) -> str:
    """What dbt says of a build with this mart in it; the build must fail."""
    leak = project / "models" / "marts" / "flow" / "leak.sql"
    leak.write_text(sql)
    leak.with_suffix(".yml").write_text(YML.format(column=column))
    done = dbt(project, "build")
    leak.unlink()
    leak.with_suffix(".yml").unlink()
    assert done.returncode != 0
    assert "OK created" not in done.stdout
    return done.stdout


def test_a_mart_that_reads_below_the_floor_is_a_parse_error(copy: Path) -> None:
    said = build(copy, "select author_key from {{ ref('int_change_lives') }}", "author_key")
    assert "private to the 'vault' group" in said


def test_a_mart_that_declares_a_person_is_named_with_its_column(copy: Path) -> None:
    sql = "select 'x' as reviewer_login from {{ ref('floor_observations') }}"
    said = build(copy, sql, "reviewer_login")
    assert "GL-C05 leak declares the column reviewer_login" in said


def test_a_mart_that_selects_a_person_under_another_name_is_named(copy: Path) -> None:
    sql = "select min(author_key) as top_system from {{ ref('floor_observations') }}"
    said = build(copy, sql, "top_system")
    assert "GL-C05 leak selects author_key" in said


def test_dbt_build_before_any_landing_says_so_in_one_line(copy: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "vault").mkdir(parents=True)
    environment = {**os.environ, "FLOWGRAIN_HOME": str(home), "DBT_TARGET_PATH": str(home / "t")}
    environment |= {"DBT_LOG_PATH": str(home / "l"), "FLOWGRAIN_ORGANISATION": "seeds/organisation"}
    done = subprocess.run(
        [DBT, "build"], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "Nothing has landed yet. Run `flowgrain land demo`" in done.stdout


@pytest.mark.parametrize(
    "form",
    [
        ("--select", "int_activity"),
        ("--select", "floor_measured", "--output", "json"),
        ("--select", "teams"),
        ("--inline", "select 'seen' || '-row' as answer"),
        ("--inline-direct", "select 'seen' || '-row' as answer"),
    ],
    ids=" ".join,
)
def test_target_prod_shows_no_rows(copy: Path, form: tuple[str, ...]) -> None:
    """ATK55: rows of people are not printed, whichever form the wish takes."""
    done = dbt(copy, "show", *form, "--target", "prod")
    assert done.returncode != 0
    assert "GL-A05 target prod shows no rows: query the published database" in done.stdout
    assert "seen-row" not in done.stdout


def test_target_dev_shows_rows_and_prod_does_all_else(copy: Path) -> None:
    """So it was show in prod that was refused, and nothing else is."""
    done = dbt(
        copy, "show", "--inline-direct", "select 'seen' || '-row' as answer", "--target", "dev"
    )
    assert "seen-row" in done.stdout
    done = dbt(copy, "list", "--select", "int_activity", "--target", "prod")
    assert done.returncode == 0, done.stdout


MARTS = sorted((ROOT / "models/marts").rglob("*.sql"))


def columns(mart: str) -> dict[str, str]:
    """Columns of a mart and their types, as its contract has them."""
    path = next(path for path in MARTS if path.stem == mart)
    (model,) = yaml.safe_load(path.with_suffix(".yml").read_text(encoding="utf-8"))["models"]
    return {column["name"]: column["data_type"] for column in model["columns"]}


def fill(vault: duckdb.DuckDBPyConnection, mart: str, rows: list[dict[str, object]]) -> None:
    """Make a mart as its contract says, with these rows; what they do not name is null."""
    kinds = columns(mart)
    told = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
    vault.execute(f"create or replace table flowgrain_candidate.{mart} ({told})")
    for row in rows:
        vault.execute(
            f"insert into flowgrain_candidate.{mart} values ({', '.join('?' for _ in kinds)})",
            [row.get(name) for name in kinds],
        )


# A row that each rule refuses, by the test that says so and the mart in which it stands.
LEAKS = {
    ("gl_b01_rows_are_of_the_declared_grain", "dim_team"): [
        {"team_key": "t_01"},
        {"team_key": "t_01"},
    ],
    ("gl_b01_rows_are_of_the_declared_grain", "dim_system"): [{"system_label": "Basket"}],
    ("gl_c12_cells_are_of_the_closed_lists", "floor_cost"): [{"grain": "guild", "bucket": "week"}],
    ("gl_c12_cells_are_of_the_closed_lists", "data_quality"): [
        {
            "source": "git",
            "bucket": "day",
            "bucket_start": "2026-01-05",
            "metric_key": "mapped_share",
        }
    ],
    ("gl_o08_withheld_rows_are_empty", "dora_five_keys"): [
        {"status": "withheld", "sample_size": 3}
    ],
    ("gl_o08_withheld_rows_are_empty", "wait_intensity"): [{"status": None, "is_binding": False}],
    ("gl_o08_withheld_rows_are_empty", "throughput_vs_quality"): [
        {"recovery_hours_status": "withheld", "recovery_hours_upper": 1}
    ],
}
CELL = {"grain": "team", "grain_key": "t_01", "bucket": "week", "bucket_start": "2026-01-05"}
KEYS = {**CELL, "metric_key": "m", "statistic": "count", "link_method": "all", "stage": "dev"}
HONEST = {**KEYS, "status": "ok", "value": 1, "sample_size": 9, "slice": "all",
          "slice_value": "all", "clock": "none", "method": "census"}  # fmt: skip
GL_TESTS = sorted({test for test, _ in LEAKS})


def test_rows_that_tell_too_much_fail_dbts_own_tests(copy: Path) -> None:
    """B01, C12 and O08 say so at `dbt build`, before the gate does; honest rows pass."""
    rows = {
        "metric_observations": [HONEST, {**HONEST, "bucket": "quarter"}],
        "flow_efficiency": [{**CELL, "status": "withheld", "dev_wait_share": 0.1}],
    }
    rows |= {
        mart: [{**KEYS, **row} if "grain" in columns(mart) else row for row in leak]
        for (_, mart), leak in LEAKS.items()
    }
    with duckdb.connect(str(copy.parent / "home/vault/vault.duckdb")) as vault:
        vault.execute("create schema if not exists flowgrain_candidate")
        for path in MARTS:
            fill(vault, path.stem, rows.get(path.stem, []))
    done = dbt(copy, "test", "--select", *(f"test_name:{test}" for test in GL_TESTS))
    assert done.returncode != 0
    target = copy.parent / "home" / "target"
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    results = json.loads((target / "run_results.json").read_text())["results"]
    tests = [result for result in results if result["unique_id"].startswith("test.")]
    failed = {
        (nodes[key]["test_metadata"]["name"], nodes[key]["attached_node"].split(".")[-1])
        for result in tests
        if result["status"] == "fail" and (key := result["unique_id"])
    }
    assert failed == set(LEAKS)
    assert {result["status"] for result in tests} == {"fail", "pass"}
    assert "Failure in test gl_b01_rows_are_of_the_declared_grain_dim_team" in done.stdout
