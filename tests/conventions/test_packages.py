"""The dbt_utils that is installed, be it the Hub's or our stand-in, tests what we use it for."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = """
name: probe
profile: probe
model-paths: [models]
flags: {{ send_anonymous_usage_stats: false }}
"""
PROFILE = """
probe:
  target: dev
  outputs: { dev: { type: duckdb, path: probe.duckdb } }
"""
SQL = "select 1 as a, 1 as b union all select 1 as a, 1 as b union all select 2 as a, null as b"
TESTS = """
models:
  - name: rows
    data_tests:
      - dbt_utils.unique_combination_of_columns:
          name: twice
          arguments: { combination_of_columns: [a, b] }
      - dbt_utils.expression_is_true: { name: untrue, arguments: { expression: a < 2 } }
      - dbt_utils.expression_is_true: { name: true_, arguments: { expression: a < 3 } }
"""


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Failures of each test on three rows, two of them the same."""
    folder = tmp_path_factory.mktemp("probe")
    (folder / "models").mkdir()
    (folder / "dbt_project.yml").write_text(PROJECT.format())
    (folder / "profiles.yml").write_text(PROFILE)
    (folder / "models" / "rows.sql").write_text(SQL)
    (folder / "models" / "rows.yml").write_text(TESTS)
    shutil.copy(ROOT / "packages.yml", folder)
    shutil.copytree(ROOT / "dbt_packages" / "dbt_utils", folder / "dbt_packages" / "dbt_utils")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DBT_")}
    subprocess.run(
        [Path(sys.executable).with_name("dbt"), "--quiet", "build", "--project-dir", folder],
        cwd=folder,
        env={**environment, "DBT_PROFILES_DIR": str(folder)},
        capture_output=True,
        check=False,
    )
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    return {
        result["unique_id"].split(".")[2]: result["failures"]
        for result in results
        if result["unique_id"].startswith("test.")
    }


@pytest.mark.parametrize(("name", "count"), [("twice", 1), ("untrue", 1), ("true_", 0)])
def test_a_generic_test_fails_where_it_should(
    failures: dict[str, int], name: str, count: int
) -> None:
    assert failures[name] == count


def test_the_lock_names_the_package_that_packages_yml_asks_for() -> None:
    lock = (ROOT / "package-lock.yml").read_text()
    assert "package: dbt-labs/dbt_utils" in lock
    assert "http" not in lock
