"""What k = 5 leaves: the floor's own SQL on simulated organisations of teams of one size.

Prints the table of docs/what-the-floor-costs.md. The organisation is simulated, the rules are not:
the three models that decide run as dbt compiles them.
"""

import tempfile
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np

from orchestration.build import compile_project
from orchestration.floor_guard.calendar import bucket_end, bucket_start
from orchestration.floor_guard.constants import BUCKETS
from orchestration.home import Home

MODELS = ("floor_subjects", "floor_crossings", "floor_cells")
LARGER = {"week": "period", "period": "quarter", "quarter": "none"}
# Four quarters; twenty teams in four value streams, two systems each; changes merged in a week.
WEEKS = [date(2026, 3, 30) + timedelta(weeks=number) for number in range(52)]
STREAMS, TEAMS_PER_STREAM, CHANGES_PER_WEEK = 4, 5, 1.5
SIZES: dict[str, tuple[int, ...]] = {
    "3": (3,),
    "4": (4,),
    "5": (5,),
    "6": (6,),
    "8": (8,),
    "10": (10,),
    "12": (12,),
    "3 to 9, mixed": (3, 4, 5, 6, 7, 8, 9),
}
SEED = 20260330

Row = tuple[str, str, str, str, str, str, str, str, datetime]


def activity(sizes: tuple[int, ...], rng: np.random.Generator) -> Iterator[Row]:
    """Who merged what, where and when: people differ in pace, and are away one week in eight."""
    change = person = 0
    for team in range(STREAMS * TEAMS_PER_STREAM):
        stream = f"vs_{team // TEAMS_PER_STREAM}"
        for _ in range(int(rng.choice(sizes))):
            person += 1
            pace = CHANGES_PER_WEEK * rng.gamma(2.0, 0.5)
            for week in WEEKS:
                for _ in range(0 if rng.random() < 0.125 else int(rng.poisson(pace))):
                    change += 1
                    system = f"s_{team}_{int(rng.random() < 0.3)}"
                    at = datetime.combine(week, datetime.min.time())
                    yield (
                        "merged", "human", "author", f"p{person}", f"c{change}", system,
                        f"t_{team}", stream, at,
                    )  # fmt: skip


def lay_out(connection: duckdb.DuckDBPyConnection, rows: list[Row]) -> None:
    """The tables that the floor reads."""
    connection.execute(
        """
        attach ':memory:' as vault;
        create schema vault.flowgrain_vault;
        create schema vault.flowgrain_floor;
        create table vault.flowgrain_vault.int_settings as select 5 as minimum_people;
        create table vault.flowgrain_vault.int_activity (
            population varchar, author_kind varchar, role varchar, person_key varchar,
            change_key varchar, system_key varchar, team_key varchar, value_stream_key varchar,
            counted_at timestamp
        );
        create table vault.flowgrain_vault.int_weeks (
            week_start date, week_end date, bucket varchar, bucket_start date, bucket_end date
        );
        create table vault.flowgrain_vault.int_bucket_parents (
            bucket varchar, bucket_start date, bucket_end date, parent_bucket varchar,
            parent_bucket_start date, sibling_count bigint
        );
        """
    )
    marks = ", ".join("?" * 9)
    connection.executemany(f"insert into vault.flowgrain_vault.int_activity values ({marks})", rows)
    for bucket in BUCKETS:
        for week in WEEKS:
            connection.execute(
                "insert into vault.flowgrain_vault.int_weeks values (?, ?, ?, ?, ?)",
                [
                    week, week + timedelta(weeks=1), bucket, bucket_start(week, bucket),
                    bucket_end(week, bucket),
                ],
            )  # fmt: skip
        above = LARGER[bucket]
        starts = sorted({bucket_start(week, bucket) for week in WEEKS})
        for start in starts:
            parent = start if above == "none" else bucket_start(start, above)
            siblings = sum(above != "none" and bucket_start(s, above) == parent for s in starts)
            connection.execute(
                "insert into vault.flowgrain_vault.int_bucket_parents values (?, ?, ?, ?, ?, ?)",
                [bucket, start, bucket_end(start, bucket), above, parent, siblings or 1],
            )


def shares(sizes: tuple[int, ...], sql: dict[str, str]) -> dict[tuple[str, str], float]:
    """Share of the cells of each grain and bucket that the floor opens."""
    connection = duckdb.connect()
    lay_out(connection, list(activity(sizes, np.random.default_rng(SEED))))
    for name in MODELS:
        connection.execute(f"create table vault.flowgrain_floor.{name} as {sql[name]}")
    rows = connection.execute(
        """
        select grain, bucket, avg(cast(is_open as integer)) from vault.flowgrain_floor.floor_cells
        group by grain, bucket
        """
    ).fetchall()
    connection.close()
    return {(grain, bucket): share for grain, bucket, share in rows}


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        nodes = compile_project(Home(Path(folder).resolve()))["nodes"]
    sql = {name: nodes[f"model.flowgrain.{name}"]["compiled_code"] for name in MODELS}
    columns = [
        (grain, bucket) for grain in ("team", "value_stream", "system") for bucket in BUCKETS
    ]
    print("| people per team | " + " | ".join(f"{g}, {b}" for g, b in columns) + " |")
    print("| --- |" + " ---: |" * len(columns))
    for label, sizes in SIZES.items():
        told = shares(sizes, sql)
        cells = " | ".join(f"{100 * told.get(column, 0):.0f} %" for column in columns)
        print(f"| {label} | {cells} |")


if __name__ == "__main__":
    main()
