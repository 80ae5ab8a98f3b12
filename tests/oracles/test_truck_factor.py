"""The published truck factors of four systems, from their whole histories through our own models.

Where paper and tool differ the rules are the tool's: ../shared/oracles/truck_factor/README.md.
"""

import csv
import gzip
from pathlib import Path

import duckdb
import pytest
from outside import land

from orchestration.build import run_dbt
from orchestration.home import Home

HISTORIES = Path(__file__).parents[3] / "shared/oracles/truck_factor"
# Avelino, Passos, Hora, Valente: A Novel Approach for Estimating Truck Factors (ICPC 2016).
PUBLISHED = {"flask": 1, "factory_girl": 1, "bundler": 3, "monolog": 11}
KINDS = {"A": "added", "M": "modified", "D": "deleted", "R": "renamed", "C": "copied"}

pytestmark = pytest.mark.skipif(
    not HISTORIES.exists(), reason="the histories of the study are not part of the repository"
)

Row = dict[str, str]


def history(system: str) -> list[Row]:
    """Rows of a history; an author without an address is known by name."""
    with gzip.open(HISTORIES / f"{system}.history.csv.gz", "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["author"] = row["author_email"] or row["author_name"]
    return rows


def counted(system: str, rows: list[Row]) -> set[str]:
    """Paths of the files that the study counts, and those that they had before."""
    with gzip.open(HISTORIES / f"{system}.source_files.txt.gz", "rt") as file:
        paths = set(file.read().splitlines())
    renames = [(row["path"], row["old_path"]) for row in rows if row["action"] == "R"]
    before = 0
    while len(paths) > before:
        before = len(paths)
        paths |= {old for path, old in renames if path in paths}
    return paths


def people(rows: list[Row]) -> dict[str, str]:
    """Who is who: addresses with a name in common are one person, however far apart."""
    first: dict[str, str] = {}

    def find(alias: str) -> str:
        while first.setdefault(alias, alias) != alias:
            alias = first[alias]
        return alias

    for row in rows:
        one, other = find(row["author"]), find(f"named {row['author_name']}")
        first[max(one, other)] = min(one, other)
    return {row["author"]: find(row["author"]) for row in rows}


def events() -> dict[str, list[str]]:
    """The four histories as files of the contract, each a repository."""
    told: dict[str, list[tuple[str, ...]]] = {
        "commits": [("repository", "commit_sha", "author", "authored_at", "parent_count")],
        "commit_files": [("repository", "commit_sha", "path", "previous_path", "change_type")],
        "identities": [("alias", "person")],
        "extract": [("loaded_to",), ("2015-04-05T00:00:00Z",)],
    }
    known: dict[str, str] = {}
    for system in PUBLISHED:
        rows = history(system)
        files = counted(system, rows)
        for alias, person in people(rows).items():
            known[f"{system} {alias}"] = f"{system} {person}"
        commits = {row["sha"]: row for row in rows}
        for sha, row in commits.items():
            who = f"{system} {row['author']}"
            told["commits"].append((system, sha, who, row["authored_at"], row["parents"]))
        for row in rows:
            if row["path"] in files:
                old = row["old_path"] if row["action"] in "RC" else ""
                told["commit_files"].append(
                    (system, row["sha"], row["path"], old, KINDS[row["action"]])
                )
    told["identities"] += sorted(known.items())
    return {name: [_line(row) for row in rows] for name, rows in told.items()}


def _line(row: tuple[str, ...]) -> str:
    return ",".join('"' + field.replace('"', '""') + '"' for field in row)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Bus factor of each system at the end of the study's quarter, on all that came before."""
    folder = tmp_path_factory.mktemp("truck_factor").resolve()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in land(folder, events(), list(PUBLISHED)).items():
            patch.setenv(name, value)
        home = Home(folder / "home")
        build = ("build", "--select", "+floor_bus_factors", "--vars", "{knowledge_months: 0}")
        no_tests = [f"--exclude-resource-type={kind}" for kind in ("test", "unit_test")]
        done = run_dbt(home, *build, *no_tests)
    assert done.returncode == 0, done.stdout
    with duckdb.connect(str(home.vault), read_only=True) as vault:
        rows = vault.execute(
            """
            select system_key, bus_factor from flowgrain_floor.floor_bus_factors
            where quarter_start = date '2014-12-29'
            """
        ).fetchall()
    return {list(PUBLISHED)[int(system.removeprefix("s_"))]: factor for system, factor in rows}


@pytest.mark.parametrize("system", PUBLISHED)
def test_the_published_value_comes_back(found: dict[str, int], system: str) -> None:
    """With the files that the study counts; with ours, which count more, bundler's would be 4."""
    assert found[system] == PUBLISHED[system]
