"""Rule A10: one file per table of the release, for whoever opens no database."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow.parquet as parquet

from orchestration.floor_guard.constants import PUBLISHED_SCHEMA
from orchestration.floor_guard.exits import open_verified, written_whole
from orchestration.floor_guard.release import BATCH
from orchestration.floor_guard.rules import quoted
from orchestration.floor_guard.vocabulary import starts_formula
from orchestration.home import Home

Form = Literal["csv", "parquet"]
Cell = str | bool | int | Decimal | date | None


def export(home: Home, folder: Path, *, form: Form = "csv") -> list[Path]:
    """Write each table of the verified release to a file of its name; return the files.

    The same release gives the same bytes. Raises FlowgrainError where the release is not what the
    gate wrote, where the folder is among what is guarded (A10) or cannot be written.
    """
    with open_verified(home) as (release, connection), written_whole(home, folder) as aside:
        names = [f"{table.name}.{form}" for table in release.tables]
        for table, name in zip(release.tables, names, strict=True):
            relation = f"{PUBLISHED_SCHEMA}.{quoted(table.name)}"
            WRITERS[form](connection, f"select * from {relation} order by all", aside / name)
    return [folder / name for name in names]


def _write_csv(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    rows = connection.execute(query)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(column[0] for column in rows.description or []) + "\n")
        while batch := rows.fetchmany(BATCH):
            file.writelines(",".join(map(_cell, row)) + "\n" for row in batch)


def _cell(value: Cell) -> str:
    """Every text is quoted, so that null is not empty, and shown by a spreadsheet, never run."""
    match value:
        case None:
            return ""
        case str():
            shown = f"'{value}" if starts_formula(value) else value
            return '"' + shown.replace('"', '""') + '"'
        case bool():
            return str(value).lower()
        case Decimal():
            # Never 1E-7.
            return f"{value:f}"
    return str(value)


def _write_parquet(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    # In one piece: where batches end must not show in the bytes.
    table = connection.sql(query).to_arrow_table().combine_chunks()
    parquet.write_table(table.replace_schema_metadata(None), path, store_schema=False)


WRITERS: dict[Form, Callable[[duckdb.DuckDBPyConnection, str, Path], None]] = {
    "csv": _write_csv,
    "parquet": _write_parquet,
}
