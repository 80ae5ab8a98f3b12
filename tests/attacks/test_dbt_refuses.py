"""A leaking model is stopped by dbt itself, before anything is built, by name."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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
