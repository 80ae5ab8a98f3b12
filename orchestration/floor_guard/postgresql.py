"""Rules S05 to S08: a second copy of the release on PostgreSQL, for readers and nobody else.

Nothing of the vault is ever on that server: whatever went wrong there, people are not on it.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from time import sleep
from typing import Any

import duckdb
import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from orchestration.errors import FlowgrainError, why_refused
from orchestration.floor_guard.constants import IDENTIFIER, PUBLISHED_SCHEMA
from orchestration.floor_guard.postgresql_catalogue import CHECKS, DOCUMENTED
from orchestration.floor_guard.release import (
    BATCH,
    PublishedTable,
    Release,
    canonical_lines,
    content_hash,
)
from orchestration.floor_guard.rules import quoted, refusal
from orchestration.floor_guard.vocabulary import open_published

READER = "flowgrain_reader"
NEXT_SCHEMA = f"{PUBLISHED_SCHEMA}_next"
PUBLISH_AGAIN = "Run `flowgrain publish` to write it anew"
UNTOUCHED = "the old release is untouched"
DATABASE = "The database that FLOWGRAIN_PUBLISHED_TO names"
OLDEST_VERSION = 150000
# One publisher at a time, whichever installation it runs in; the number stands for nothing.
ADVISORY_LOCK = 7_246_015_418
CONNECT: dict[str, Any] = {
    "application_name": "flowgrain",
    "connect_timeout": 20,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 6,
}
SESSION = (
    # No name is looked up in a place that somebody else may have filled.
    "set local search_path = pg_catalog, pg_temp",
    # The canonical text of a date.
    "set local datestyle = 'ISO, YMD'",
    # Should this machine vanish, the server lets go of what the publisher held.
    "set local idle_in_transaction_session_timeout = '5min'",
)
# How long readers are made to wait at a swap before the publisher gives way, and how often.
PATIENCE = sql.Literal("3s")
PAUSE_SECONDS = 1
ATTEMPTS = 60


@dataclass(frozen=True)
class Server:
    """The database that readers are served from, and the role that reads."""

    # It holds a password, and is shown in no message and no traceback.
    address: dict[str, Any] = field(repr=False)
    reader: str


@dataclass(frozen=True)
class Column:
    """One column of a table; `kind` is PostgreSQL's name of the type."""

    name: str
    kind: str
    comment: str | None


@dataclass(frozen=True)
class Layout:
    """All of a table but its rows."""

    comment: str | None
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """Names of its columns, in their order."""
        return [column.name for column in self.columns]


Connection = psycopg.Connection[tuple[Any, ...]]


def published_server() -> Server | None:
    """Return what FLOWGRAIN_PUBLISHED_TO names, or None where it is not set.

    Raises FlowgrainError for an address or a role's name that cannot be read, without telling it.
    """
    given = os.environ.get("FLOWGRAIN_PUBLISHED_TO")
    if not given:
        return None
    reader = os.environ.get("FLOWGRAIN_READER_ROLE") or READER
    if not IDENTIFIER.fullmatch(reader):
        raise FlowgrainError(
            "FLOWGRAIN_READER_ROLE is no plain name of a role",
            "Use small letters, digits and _, a letter first",
        )
    try:
        address = conninfo_to_dict(given)
    except psycopg.Error:
        address = {}
    is_url = re.match(r"postgres(ql)?://", given)
    if not is_url or not address.get("dbname") or not address.get("user"):
        raise FlowgrainError(
            "FLOWGRAIN_PUBLISHED_TO cannot be read",
            "Write postgresql://USER:PASSWORD@HOST:5432/DATABASE, signs in the password other "
            "than letters and digits as %XX, e.g. @ as %40",
        )
    return Server({**CONNECT, **address}, reader)


def check_server(server: Server | None) -> list[str]:
    """Hold the server against S05 to S08; return the codes that passed, none without a server.

    Raises FlowgrainError with the rule that refused, or with why the server cannot be used.
    """
    if server is None:
        return []
    with _connected(server) as connection:
        return _check_catalogue(connection, server)


def replace_release(server: Server, next_release: Release) -> None:
    """Put the release in the place of the old one, in one transaction, or change nothing.

    `next_release` has the path of a file that passed. Raises FlowgrainError as `check_server`
    does, and S03 where what is read back is not what is in the file.
    """
    with _connected(server) as connection, closing(open_published(next_release.path)) as file:
        connection.execute("select pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        layouts = _file_layouts(file)
        connection.execute(_named("create schema {}", NEXT_SCHEMA))
        for table, layout in layouts.items():
            _create(connection, table, layout)
            _copy(connection, file, table, layout)
        _grant(connection, server)
        # Read back before readers have to wait: what is renamed then is the same tables.
        _compare(connection, NEXT_SCHEMA, layouts, next_release.tables)
        _drop_old(connection)
        connection.execute(_named("alter schema {} rename to {}", NEXT_SCHEMA, PUBLISHED_SCHEMA))
        _check_catalogue(connection, server)


def verify_server(server: Server, release: Release) -> None:
    """Hold what the server has against the published file, and the server against S05 to S08.

    Raises FlowgrainError with the rule that refused, or with why the server cannot be used.
    """
    with _connected(server) as connection, closing(open_published(release.path)) as file:
        connection.execute("select pg_advisory_xact_lock_shared(%s)", [ADVISORY_LOCK])
        _check_catalogue(connection, server)
        _compare(connection, PUBLISHED_SCHEMA, _file_layouts(file), release.tables)


@contextmanager
def _connected(server: Server) -> Iterator[Connection]:
    """One transaction: committed at the end of the block, rolled back where it raises."""
    try:
        with psycopg.connect(**server.address, prepare_threshold=None) as connection:
            _check_version(connection)
            for statement in SESSION:
                connection.execute(statement.encode())
            yield connection
    except psycopg.Error as error:
        raise _said_plainly(error) from None


def _check_version(connection: Connection) -> None:
    if connection.info.server_version < OLDEST_VERSION:
        raise FlowgrainError(f"{DATABASE} is older than PostgreSQL 15", "Use a later server")
    if connection.info.parameter_status("server_encoding") != "UTF8":
        raise FlowgrainError(
            f"{DATABASE} is not in UTF-8", f"Make it as {DOCUMENTED} says, with encoding 'UTF8'"
        )


def _check_catalogue(connection: Connection, server: Server) -> list[str]:
    values = {"reader": server.reader, "schema": PUBLISHED_SCHEMA}
    for check in CHECKS:
        row = connection.execute(check.statement.encode(), values).fetchone()
        if row and row[0]:
            raise refusal(check.rule, check.place, "*", row[0], check.why, check.remedy)
    return sorted({check.rule for check in CHECKS})


def _create(connection: Connection, table: str, layout: Layout) -> None:
    relation = sql.Identifier(NEXT_SCHEMA, table)
    columns = sql.SQL(", ").join(
        # The kinds are those of C11, made by `_kind`.
        sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.kind))
        for column in layout.columns
    )
    connection.execute(sql.SQL("create table {} ({})").format(relation, columns))
    connection.execute(
        sql.SQL("comment on table {} is {}").format(relation, sql.Literal(layout.comment))
    )
    for column in layout.columns:
        connection.execute(
            sql.SQL("comment on column {} is {}").format(
                sql.Identifier(NEXT_SCHEMA, table, column.name), sql.Literal(column.comment)
            )
        )


def _copy(
    connection: Connection, file: duckdb.DuckDBPyConnection, table: str, layout: Layout
) -> None:
    rows = file.execute(
        f"select {', '.join(quoted(name) for name in layout.names)} "
        f"from {PUBLISHED_SCHEMA}.{quoted(table)}"
    )
    # Frozen rows are seen by whoever finds the table: a reader whose transaction is older than
    # the swap would find it empty without.
    statement = sql.SQL("copy {} from stdin (freeze)").format(sql.Identifier(NEXT_SCHEMA, table))
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        while batch := rows.fetchmany(BATCH):
            for row in batch:
                copy.write_row(row)


def _grant(connection: Connection, server: Server) -> None:
    for grant in (
        "grant usage on schema {} to {}",
        "grant select on all tables in schema {} to {}",
    ):
        connection.execute(_named(grant, NEXT_SCHEMA, server.reader))


def _drop_old(connection: Connection) -> None:
    """Drop the old release once nobody reads it; without cascade, so that nothing else goes."""
    tables = [sql.Identifier(PUBLISHED_SCHEMA, table) for table in _layouts(connection)]
    if tables:
        listed = sql.SQL(", ").join(tables)
        _wait_for_readers(connection, listed)
        connection.execute(sql.SQL("drop table {}").format(listed))
    connection.execute(_named("drop schema if exists {}", PUBLISHED_SCHEMA))


def _wait_for_readers(connection: Connection, tables: sql.Composed) -> None:
    """Lock the old tables; give way to readers that wait behind, then try again."""
    for attempt in range(ATTEMPTS):
        if attempt:
            sleep(PAUSE_SECONDS)
        try:
            with connection.transaction():
                connection.execute(sql.SQL("set local lock_timeout = {}").format(PATIENCE))
                connection.execute(sql.SQL("lock table {} in access exclusive mode").format(tables))
                return
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            continue
    raise FlowgrainError(
        "Readers keep the old release open on PostgreSQL",
        f"End their transactions, then publish again; {UNTOUCHED}",
    )


def _compare(
    connection: Connection,
    schema: str,
    layouts: dict[str, Layout],
    tables: tuple[PublishedTable, ...],
) -> None:
    """Refuse tables on the server that are not, cell by cell, those of the file."""
    found = _layouts(connection, schema)
    if strange := found.keys() ^ layouts.keys():
        raise refusal(
            "S06",
            PUBLISHED_SCHEMA,
            "*",
            len(strange),
            "tables on PostgreSQL are not those of the release",
            PUBLISH_AGAIN,
        )
    for table in tables:
        layout = layouts[table.name]
        if found[table.name] != layout:
            why = "columns or comments on PostgreSQL are not those of the release"
        elif _hash(connection, schema, table.name, layout) != table.sha256:
            why = "what PostgreSQL holds is not what was released"
        else:
            continue
        raise refusal("S03", table.name, "*", 1, why, PUBLISH_AGAIN)


def _hash(connection: Connection, schema: str, table: str, layout: Layout) -> str:
    query = canonical_lines(f"{quoted(schema)}.{quoted(table)}", layout.names)
    # A cursor of the server's, so that a table is never held whole.
    with connection.cursor("lines") as cursor:
        cursor.execute(query.encode())
        return content_hash(layout.names, iter(lambda: cursor.fetchmany(BATCH), []))


def _file_layouts(file: duckdb.DuckDBPyConnection) -> dict[str, Layout]:
    rows = file.execute(
        """
        select
            duckdb_columns.table_name, duckdb_tables.comment, duckdb_columns.column_name,
            duckdb_columns.data_type, duckdb_columns.comment
        from duckdb_columns()
        inner join duckdb_tables() using (database_name, schema_name, table_name)
        where duckdb_columns.schema_name = ?
        order by duckdb_columns.table_name, duckdb_columns.column_index
        """,
        [PUBLISHED_SCHEMA],
    ).fetchall()
    return _gathered((*told, column, _kind(kind), remark) for *told, column, kind, remark in rows)


def _layouts(connection: Connection, schema: str = PUBLISHED_SCHEMA) -> dict[str, Layout]:
    rows = connection.execute(
        """
        select
            pg_class.relname, obj_description(pg_class.oid, 'pg_class'), pg_attribute.attname,
            format_type(pg_attribute.atttypid, pg_attribute.atttypmod),
            col_description(pg_class.oid, pg_attribute.attnum)
        from pg_class
        inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
        inner join pg_attribute on pg_class.oid = pg_attribute.attrelid
        where
            pg_namespace.nspname = %s
            and pg_class.relkind = 'r'
            and pg_attribute.attnum > 0
            and not pg_attribute.attisdropped
        order by pg_class.relname, pg_attribute.attnum
        """,
        [schema],
    ).fetchall()
    return _gathered(rows)


def _gathered(rows: Iterable[tuple[Any, ...]]) -> dict[str, Layout]:
    """Put the columns of each table together; no comment and an empty one are the same."""
    layouts: dict[str, Layout] = {}
    for table, remark, column, kind, comment in rows:
        before = layouts[table].columns if table in layouts else ()
        layouts[table] = Layout(remark or None, (*before, Column(column, kind, comment or None)))
    return layouts


def _kind(published: str) -> str:
    """PostgreSQL's name of a type that may be published (C11)."""
    return published.lower().replace("varchar", "text").replace("decimal", "numeric")


def _named(statement: str, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*(sql.Identifier(name) for name in names))


def _said_plainly(error: psycopg.Error) -> FlowgrainError:
    """Turn an error of the server into ours, for its own text may hold a value or a name."""
    if isinstance(error, errors.DependentObjectsStillExist):
        return refusal(
            "S06",
            PUBLISHED_SCHEMA,
            "*",
            1,
            "something is built on the old release",
            "Drop it: what readers need is copied, never built on a release",
        )
    if isinstance(error, errors.InsufficientPrivilege):
        return FlowgrainError(
            f"{DATABASE} does not let its user publish",
            f"Set it up as {DOCUMENTED} says; {UNTOUCHED}",
        )
    return FlowgrainError(
        f"{DATABASE} cannot be used: {why_refused(error) or type(error).__name__}",
        f"Check the address and the server, then publish again; {UNTOUCHED}",
    )
