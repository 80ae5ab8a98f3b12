"""Bus factors of a repository of 20,000 commits and 5,000 files, and of one a tenth of that.

Prints the seconds of each model between the commits and the bus factor, and how much longer ten
times the history takes: it should not be much more than ten times. Twelve quarters are computed.
"""

import json
import os
import random
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.build import run_dbt
from orchestration.home import Home
from orchestration.init import draft
from orchestration.landing.files import land_files

SIZES = ((2_000, 500), (20_000, 5_000))
FILES_A_COMMIT = 5
PEOPLE = 60
END = datetime(2026, 1, 5, tzinfo=UTC)
MODELS = (
    "int_file_touches",
    "int_path_ancestors",
    "int_living_files",
    "int_system_files",
    "int_file_authors",
    "floor_bus_factors",
)


def write_history(folder: Path, commits: int, files: int) -> None:
    """Commits of invented people over three years; a file in fifty of those touched is moved."""
    chance = random.Random(commits)
    paths: list[str] = []
    told: list[dict[str, object]] = []
    for number in range(commits):
        for _ in range(FILES_A_COMMIT):
            key = {"repository": "shop", "commit_sha": str(number)}
            if len(paths) < files and chance.random() < 2 * files / (commits * FILES_A_COMMIT):
                paths.append(f"src/file_{len(paths)}.py")
                told.append({**key, "path": paths[-1], "change_type": "added"})
            elif paths:
                place = int(len(paths) * chance.random() ** 2)
                before = paths[place]
                moved = chance.random() < 0.02
                paths[place] = f"{before[:-3]}m.py" if moved else before
                kind = "renamed" if moved else "modified"
                told.append({**key, "path": paths[place], "change_type": kind})
                told[-1] |= {"previous_path": before} if moved else {}
    folder.mkdir()
    whole = {(row["commit_sha"], row["path"]): row for row in told}
    pq.write_table(pa.Table.from_pylist(list(whole.values())), folder / "commit_files.parquet")
    step = timedelta(days=1_090) / commits
    pq.write_table(
        pa.table(
            {
                "repository": ["shop"] * commits,
                "commit_sha": [str(number) for number in range(commits)],
                "author": [
                    f"person.{int(PEOPLE * chance.random() ** 3)}@bench.invalid"
                    for _ in range(commits)
                ],
                "authored_at": pa.array(
                    [END - step * (commits - number) for number in range(commits)],
                    pa.timestamp("us", "UTC"),
                ),
            }
        ),
        folder / "commits.parquet",
    )


def seconds_of(folder: Path, commits: int, files: int) -> dict[str, float]:
    """Land one history, build what the bus factor needs, and read what dbt says it took."""
    write_history(folder / "events", commits, files)
    os.environ["FLOWGRAIN_ORGANISATION"] = str(folder / "organisation")
    home = Home(folder / "home")
    land_files(home, folder / "events", loaded_to=END + timedelta(days=4))
    (folder / "organisation").mkdir()
    draft(home, folder / "organisation", clones=[])
    no_tests = [f"--exclude-resource-type={kind}" for kind in ("test", "unit_test")]
    done = run_dbt(home, "build", "--select", "+floor_bus_factors", *no_tests)
    if done.returncode:
        raise SystemExit(done.stdout)
    results = json.loads((home.target / "run_results.json").read_text())["results"]
    taken = {result["unique_id"].split(".")[-1]: result["execution_time"] for result in results}
    return {model: taken[model] for model in MODELS}


def main() -> None:
    """Time both histories and print what they took."""
    taken = []
    for commits, files in SIZES:
        with tempfile.TemporaryDirectory() as name:
            taken.append(seconds_of(Path(name).resolve(), commits, files))
        print(f"{commits:,} commits, {files:,} files: {sum(taken[-1].values()):.2f} s")
        for model, seconds in taken[-1].items():
            print(f"  {model:20} {seconds:6.2f}")
    small, large = (sum(seconds.values()) for seconds in taken)
    print(f"ten times the history takes {large / small:.1f} times as long")


if __name__ == "__main__":
    main()
