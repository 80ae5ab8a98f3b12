"""The release report: counts, hashes and rule codes; all that leaves beside the tables."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.errors import FlowgrainError
from orchestration.floor_guard.constants import (
    OBSERVATIONS,
    PUBLISHED_SCHEMA,
    SOURCES,
)
from orchestration.floor_guard.environment import minimum_people
from orchestration.floor_guard.rules import quoted, refusal
from orchestration.floor_guard.vocabulary import open_published

# A count of what is withheld tells something; a band does not.
WITHHELD_BANDS = ((0.0, "none"), (0.1, "up to 10 %"), (0.5, "10 to 50 %"), (1.0, "over 50 %"))
BATCH = 20_000


@dataclass(frozen=True)
class PublishedTable:
    """One table of a release."""

    name: str
    rows: int
    withheld_rows_band: str
    sha256: str


@dataclass(frozen=True)
class Release:
    """What was published; `one_owner` says that one account owns both sides: development."""

    release: str
    as_of: str | None
    tables: tuple[PublishedTable, ...]
    path: Path
    one_owner: bool


@dataclass(frozen=True)
class Loads:
    """What the door wrote down: the key in force and what became of the rows of each source."""

    key_id: str | None
    accounting: dict[str, dict[str, int]]


def read_loads(connection: duckdb.DuckDBPyConnection) -> Loads:
    """Add up the loads; refuse two keys (K04), lost rows (B06) and sources nobody registered."""
    keys = connection.execute(
        "select distinct key_id from vault.door.loads where key_id is not null"
    ).fetchall()
    if len(keys) > 1:
        raise refusal(
            "K04",
            "loads",
            "key_id",
            len(keys),
            "keys in one vault",
            "Land everything again under one key",
        )
    rows = connection.execute(
        """
        select
            source,
            sum(rows_read)::bigint as landed,
            sum(
                rows_inserted + rows_updated + rows_unchanged + rows_superseded
            )::bigint as staged,
            sum(rows_quarantined)::bigint as quarantined,
            count(*) filter (
                where rows_read is distinct from
                    rows_inserted + rows_updated + rows_unchanged + rows_superseded
                    + rows_quarantined
            ) as unbalanced
        from vault.door.load_counts
        group by source
        order by source
        """
    ).fetchall()
    unbalanced = sum(row[-1] for row in rows)
    if unbalanced:
        raise refusal(
            "B06",
            "load_counts",
            "rows_read",
            unbalanced,
            "loads whose rows do not add up",
            "Land these sources again",
        )
    strange = sum(source not in SOURCES for source, *_ in rows)
    if strange:
        raise refusal(
            "V01",
            "load_counts",
            "source",
            strange,
            "sources are not registered",
            "Name the source in the gate's constants",
        )
    accounting = {
        source: {"landed": landed, "staged": staged, "quarantined": quarantined}
        for source, landed, staged, quarantined, _ in rows
    }
    return Loads(keys[0][0] if keys else None, accounting)


def describe(path: Path) -> tuple[str | None, tuple[PublishedTable, ...]]:
    """Read back a published file: its clock, and each table with rows, band and hash."""
    connection = open_published(path)
    try:
        names = connection.execute(
            "select table_name from duckdb_tables() where schema_name = ? order by table_name",
            [PUBLISHED_SCHEMA],
        ).fetchall()
        tables = tuple(_describe_table(connection, name) for (name,) in names)
        as_of = None
        if (OBSERVATIONS,) in names:
            clock = connection.execute(
                f"select max(as_of) from {PUBLISHED_SCHEMA}.{OBSERVATIONS}"
            ).fetchone()
            as_of = str(clock[0]) if clock and clock[0] else None
        return as_of, tables
    except duckdb.Error:
        raise FlowgrainError(
            f"{path} cannot be read", "Run `flowgrain publish` to write it anew"
        ) from None
    finally:
        connection.close()


def canonical_lines(relation: str, columns: Sequence[str]) -> str:
    """Return the query for a table as lines of CSV in a fixed order, told alike by every engine.

    Every text is quoted, so that null is not empty.
    """
    cells = " || ',' || ".join(
        f"""coalesce('"' || replace(cast({quoted(column)} as varchar), '"', '""') || '"', '')"""
        for column in columns
    )
    lines = f"select {cells} as line from {relation}"
    return f'select line from ({lines}) as lines order by line collate "C"'


def content_hash(columns: Sequence[str], batches: Iterable[Sequence[tuple[str]]]) -> str:
    """Hash a table's canonical lines below the names of its columns."""
    digest = hashlib.sha256((",".join(columns) + "\n").encode())
    for batch in batches:
        digest.update("".join(f"{line}\n" for (line,) in batch).encode())
    return digest.hexdigest()


def release_id(as_of: str | None, tables: tuple[PublishedTable, ...]) -> str:
    """Name a release after its content: the same content has the same name."""
    digest = hashlib.sha256("\n".join(f"{t.name} {t.sha256}" for t in tables).encode())
    return f"{as_of or 'undated'}-{digest.hexdigest()[:8]}"


def guard_hash() -> str:
    """Hash the gate's own code, so that a reader sees which lock made a release."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def write_report(release: Release, *, rules: list[str], loads: Loads, manifest_hash: str) -> str:
    """Put the report into words: JSON, keys in a fixed order."""
    content: dict[str, Any] = {
        "release": release.release,
        "guard_hash": guard_hash(),
        "key_id": loads.key_id,
        "manifest_hash": manifest_hash,
        "k": minimum_people(),
        "as_of": release.as_of,
        "tables": [
            {
                "name": table.name,
                "rows": table.rows,
                "withheld_rows_band": table.withheld_rows_band,
                "sha256": table.sha256,
            }
            for table in release.tables
        ],
        "rules": sorted(set(rules)),
        "exceptions": [],
        "row_accounting": loads.accounting,
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _describe_table(connection: duckdb.DuckDBPyConnection, name: str) -> PublishedTable:
    relation = f"{PUBLISHED_SCHEMA}.{quoted(name)}"
    columns = [
        column
        for (column,) in connection.execute(
            """
            select column_name from duckdb_columns()
            where schema_name = ? and table_name = ? order by column_index
            """,
            [PUBLISHED_SCHEMA, name],
        ).fetchall()
    ]
    withheld = "count(*) filter (where status = 'withheld')" if "status" in columns else "0"
    rows, hidden = connection.execute(f"select count(*), {withheld} from {relation}").fetchall()[0]
    share = hidden / rows if rows else 0.0
    band = next(name for limit, name in WITHHELD_BANDS if share <= limit)
    lines = connection.execute(canonical_lines(relation, columns))
    digest = content_hash(columns, iter(lambda: lines.fetchmany(BATCH), []))
    return PublishedTable(name, rows, band, digest)
