"""A million rows through the door: Arrow straight into DuckDB beside the same tables through dlt.

Prints seconds, rows per second and their ratio; docs/decisions/0002 says what follows from it.
Each way runs in a process of its own, with the same typing, keying and quarantine before it.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 1_000_000
BROKEN = 2_000
PEOPLE = 2_000
LOADED_TO = datetime(2026, 1, 1, tzinfo=UTC)


def write_rows(path: Path) -> None:
    """Review events of invented people; some with a kind that the contract does not know."""
    kinds = ["approved", "commented", "changes_requested"]
    start = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp() * 1_000_000)
    table = pa.table(
        {
            "repository": [f"demo/repository_{n % 40}" for n in range(ROWS)],
            "change_id": [str(n % 200_000) for n in range(ROWS)],
            "review_id": [str(n) for n in range(ROWS)],
            "kind": ["unheard_of" if n < BROKEN else kinds[n % 3] for n in range(ROWS)],
            "reviewer": [f"person.{n % PEOPLE}@bench.invalid" for n in range(ROWS)],
            "submitted_at": pa.array(
                [start + n * 20_000_000 for n in range(ROWS)], pa.timestamp("us", "UTC")
            ),
        }
    )
    pq.write_table(table, path)


def by_arrow(home: Path, folder: Path) -> None:
    """The way the product takes."""
    from orchestration.home import Home
    from orchestration.landing.files import land_files

    done = land_files(Home(home), folder, loaded_to=LOADED_TO)
    counts = done.counts["change_reviews"]
    assert (counts.rows_inserted, counts.rows_quarantined) == (ROWS - BROKEN, BROKEN)


def by_dlt(home: Path, folder: Path) -> None:
    """The same typed and keyed Arrow tables, merged on the key by dlt."""
    for name in ("DLT_DATA_DIR", "DLT_PROJECT_DIR", "DLT_LOCAL_DIR"):
        os.environ[name] = str(home / "dlt")
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    import dlt

    from orchestration.home import Home
    from orchestration.landing.contract import entities
    from orchestration.landing.door import Door

    entity = entities()["change_reviews"]
    with (
        Door(Home(home), "files") as door,
        door.load("bench", origin="", loaded_to=LOADED_TO) as load,
    ):
        rows = pq.ParquetFile(folder / "change_reviews.parquet").iter_batches(100_000)
        tables = [load.read(entity.name, pa.Table.from_batches([batch])) for batch in rows]
        load.counts.clear()
        pipeline = dlt.pipeline(
            "bench",
            destination=dlt.destinations.duckdb(str(home / "dlt.duckdb")),
            dataset_name="raw_files",
            pipelines_dir=str(home / "dlt"),
        )
        resource_ = dlt.resource(
            iter(tables),
            name="change_reviews",
            write_disposition="merge",
            primary_key=list(entity.landed_key),
        )
        pipeline.run(resource_)


def main() -> None:
    """Run each way in its own process and print what it took."""
    if len(sys.argv) == 4:
        way = {"arrow": by_arrow, "dlt": by_dlt}[sys.argv[1]]
        begun = time.perf_counter()
        way(Path(sys.argv[2]), Path(sys.argv[3]))
        seconds = time.perf_counter() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        print(f"{seconds:.1f} {peak:.2f}")
        return
    taken = {}
    with tempfile.TemporaryDirectory() as folder:
        write_rows(Path(folder) / "change_reviews.parquet")
        for way in ("arrow", "dlt"):
            with tempfile.TemporaryDirectory() as home:
                done = subprocess.run(
                    [sys.executable, __file__, way, home, folder],
                    capture_output=True,
                    text=True,
                    check=True,
                )
            seconds, peak = map(float, done.stdout.split()[-2:])
            taken[way] = seconds
            print(f"{way:6} {seconds:5.1f} s  {ROWS / seconds:9,.0f} rows/s  {peak:.2f} GB")
    print(f"dlt takes {taken['dlt'] / taken['arrow']:.1f} times as long as Arrow.")


if __name__ == "__main__":
    main()
