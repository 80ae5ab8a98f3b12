"""The vault: how it is opened, which version it says it is of, how an older one is brought on."""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.errors import FlowgrainError
from orchestration.home import Home
from orchestration.landing.contract import SOURCES, SQL_TYPES, entities

# The form of a new file: a newer DuckDB would take its own, which the one before cannot read.
# A file keeps the form that it was made in.
STORAGE_VERSION = "v2.0.0"


@dataclass(frozen=True)
class Step:
    """What brings a vault to its next version, before what is missing in it is made.

    New tables and columns need no statement: they are made of the contract. A table, written
    `schema.table`, is `recounted` where it may hold another number of rows afterwards.
    """

    statements: tuple[str, ...] = ()
    recounted: frozenset[str] = frozenset()


# Step n leads to version n: never changed once released, and none is taken back.
STEPS = (
    # The vault says its version.
    Step(),
)

# What `door.migrations` is stays forever: by it an old release knows a newer vault.
BOOKKEEPING = """
create schema if not exists door;
create table if not exists door.migrations (version integer, migrated_at timestamp);
create sequence if not exists door.load_ids;
create table if not exists door.loads (
    load_id bigint, source varchar, connection varchar, origin varchar, digest varchar,
    contract_version integer, key_id varchar, loaded_to timestamp, landed_at timestamp,
    status varchar
);
create table if not exists door.load_counts (
    load_id bigint, source varchar, entity varchar, rows_read bigint, rows_inserted bigint,
    rows_updated bigint, rows_unchanged bigint, rows_superseded bigint, rows_quarantined bigint,
    rows_removed bigint
);
create table if not exists door.quarantine (
    load_id bigint, entity varchar, origin varchar, row_number bigint, field varchar,
    reason varchar
);
create table if not exists door.people (
    landed_key varchar, person_key varchar, is_resolved boolean
);
create table if not exists door.connections (
    source varchar, connection varchar, position varchar, loaded_to timestamp, landed_at timestamp
);
"""


@contextmanager
def plain_errors(home: Home) -> Iterator[None]:
    """Turn the engine's errors, which may hold values, into ours, which do not."""
    try:
        yield
    except duckdb.Error as error:
        text = str(error)
        if "No space left" in text or "out of disk" in text.lower():
            what, remedy = f"The disk of {home.root} is full", "Free space, then run it again"
        elif isinstance(error, duckdb.OutOfMemoryException):
            what = "The memory that DuckDB may use was not enough"
            remedy = "Close other programs or free space for what it puts aside, then run it again"
        elif "Could not set lock" in text or "Conflicting lock" in text:
            what = f"{home.vault} is open in another program"
            remedy = "Close it (readers open published/marts.duckdb instead), then run it again"
        elif "storage version number" in text:
            what = f"{home.vault} is of another DuckDB than this one, {duckdb.__version__}"
            remedy = 'See "Upgrade" in docs/operations.md'
        elif "not a valid DuckDB database" in text:
            what = f"{home.vault} is no DuckDB database"
            remedy = "Restore it from a backup, or remove it and land again"
        else:
            what = f"The vault refused a statement ({type(error).__name__})"
            remedy = "Run it again; report it if it stays"
        raise FlowgrainError(what, remedy) from None


def open_vault(home: Home) -> duckdb.DuckDBPyConnection:
    """Open the vault for writing, made or migrated where it is not of this version.

    To be called under the writer's lock. Raises FlowgrainError where it is of a newer flowgrain.
    """
    # What a killed migration left is no vault.
    _remove(_aside(home))
    vault = _connect(home, home.vault)
    try:
        # dbt may have made the file first, with the rights of any other.
        home.vault.chmod(0o600)
        version = _version(vault)
        if version is not None and version != len(STEPS):
            _refuse_newer(home, version)
            rows = _count_rows(vault)
            # What is not yet in the file would not be in its copy.
            vault.execute("checkpoint")
            vault.close()
            _migrate(home, version, rows)
            vault = _connect(home, home.vault)
        _lay_down(vault)
    except BaseException:
        vault.close()
        raise
    return vault


@contextmanager
def read_vault(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the vault for reading. Raises FlowgrainError where it is not of this version."""
    with plain_errors(home), closing(duckdb.connect(str(home.vault), read_only=True)) as vault:
        vault.execute("set TimeZone = 'UTC'")
        expect_version(home, vault)
        yield vault


def expect_version(home: Home, connection: duckdb.DuckDBPyConnection) -> None:
    """Raise FlowgrainError where the vault, a database of this connection, is of another version.

    One in which nothing has landed is of none.
    """
    version = _version(connection)
    if version is None or version == len(STEPS):
        return
    _refuse_newer(home, version)
    raise FlowgrainError(
        f"{home.vault} is of version {version}, this flowgrain reads version {len(STEPS)}",
        "Run `flowgrain build`, which migrates it",
    )


def _refuse_newer(home: Home, version: int) -> None:
    if version > len(STEPS):
        raise FlowgrainError(
            f"{home.vault} is of version {version}, this flowgrain knows {len(STEPS)} at most",
            "Use the flowgrain that migrated it or a newer one, or restore the backup from before",
        )


def _version(connection: duckdb.DuckDBPyConnection) -> int | None:
    """None where nothing has landed; 0 of what was made before vaults said their version."""
    tables = dict(
        connection.execute(
            "select table_name, database_name from duckdb_tables() where schema_name = 'door'"
        ).fetchall()
    )
    if "migrations" in tables:
        # To the last row: a result that is left open is in the way of what comes next.
        [(version,)] = connection.execute(
            f'select max(version) from "{tables["migrations"]}".door.migrations'
        ).fetchall()
        return version
    return 0 if "loads" in tables else None


def _migrate(home: Home, version: int, rows: dict[str, int]) -> None:
    """Lead a copy to this version, hold it against what was there, and put it in its place."""
    aside = _aside(home)
    try:
        shutil.copy(home.vault, aside)
        with closing(_connect(home, aside)) as copy:
            for step in STEPS[version:]:
                for statement in step.statements:
                    copy.execute(statement)
            _lay_down(copy)
            copy.execute("checkpoint")
        recounted = frozenset[str]().union(*(step.recounted for step in STEPS[version:]))
        # As it lies on the disk.
        with closing(duckdb.connect(str(aside), read_only=True)) as copy:
            kept = _count_rows(copy)
        lost = sorted(name for name in rows.keys() - recounted if kept.get(name) != rows[name])
        if lost:
            raise FlowgrainError(
                f"Migrated from version {version} to {len(STEPS)}, {', '.join(lost)} of "
                f"{home.vault} would not hold the rows of before",
                "It is as it was: go on with the flowgrain that wrote it, and report this",
                rule="B06",
            )
        flush(aside)
        os.replace(aside, home.vault)
    except OSError as error:
        raise FlowgrainError(
            f"{home.vault} cannot be migrated ({error.strerror}), and is as it was",
            "Make room for a copy of it in its folder, then run it again",
        ) from None
    finally:
        _remove(aside)
    flush(home.vault.parent)


def _lay_down(vault: duckdb.DuckDBPyConnection) -> None:
    """Make what is missing: nothing, all, or what the contract says since; null means not said."""
    vault.execute("begin")
    vault.execute(BOOKKEEPING)
    for source in SOURCES:
        vault.execute(f"create schema if not exists raw_{source}")
        for entity in entities(source).values():
            columns = ", ".join(f'"{c.name}" {SQL_TYPES[c.type]}' for c in entity.landed)
            vault.execute(
                f'create table if not exists raw_{source}."{entity.name}" '
                f"({columns}, _load_id bigint, _row_hash varchar)"
            )
    known = set(
        vault.execute(
            "select schema_name, table_name, column_name from duckdb_columns()"
        ).fetchall()
    )
    for source in SOURCES:
        for entity in entities(source).values():
            for column in entity.landed:
                if (f"raw_{source}", entity.name, column.name) not in known:
                    vault.execute(
                        f'alter table raw_{source}."{entity.name}" '
                        f'add column "{column.name}" {SQL_TYPES[column.type]}'
                    )
    vault.execute(
        "insert into door.migrations select $version, now() at time zone 'UTC' "
        "where not exists (from door.migrations where version = $version)",
        {"version": len(STEPS)},
    )
    vault.execute("commit")


def _count_rows(vault: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows of every table but the one that a migration writes."""
    tables = vault.execute("select schema_name, table_name from duckdb_tables()").fetchall()
    counts = {}
    for schema, table in set(tables) - {("door", "migrations")}:
        [(rows,)] = vault.execute(f'select count(*) from "{schema}"."{table}"').fetchall()
        counts[f"{schema}.{table}"] = rows
    return counts


def _connect(home: Home, path: Path) -> duckdb.DuckDBPyConnection:
    vault = duckdb.connect(
        str(path),
        config={
            "temp_directory": str(home.ops / "tmp"),
            "storage_compatibility_version": STORAGE_VERSION,
        },
    )
    vault.execute("set TimeZone = 'UTC'")
    return vault


def _aside(home: Home) -> Path:
    return home.vault.with_name(f"{home.vault.name}.next")


def _remove(path: Path) -> None:
    """A database that is none, and what it did not write into itself."""
    path.unlink(missing_ok=True)
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Have what a file or folder holds on the disk before what comes next."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
