"""DevLake's own database, MySQL, MariaDB or PostgreSQL, read as a stream."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from time import sleep

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)

from orchestration.errors import FlowgrainError, why_refused
from orchestration.landing.contract import Entity
from orchestration.landing.devlake.rows import table_of

BATCH_ROWS = 20_000
ADDRESS_REMEDY = (
    "Write mysql://USER:PASSWORD@HOST:3306/lake or postgresql://USER:PASSWORD@HOST:5432/lake, "
    "signs in the password other than letters and digits as %XX, e.g. @ as %40"
)
PLAIN = re.compile(r"[\w.:\[\]-]*/[\w.-]*")
DRIVERS = {
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
}
# DevLake writes its own address for Go, whose words Python's drivers do not know.
GO_WORDS = ("parseTime", "loc", "charset", "collation")
CONNECT = {
    "mysql": {"connect_timeout": 20, "charset": "utf8mb4"},
    "postgresql": {
        "connect_timeout": 20,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 6,
    },
}
# Every enabled blueprint has collected what happened before its newest complete run began.
COLLECTED_TO = """
select min(began.began_at) from (
    select max(runs.began_at) as began_at
    from _devlake_pipelines as runs
    inner join _devlake_blueprints as blueprints on runs.blueprint_id = blueprints.id
    where runs.status = 'TASK_COMPLETED' and blueprints.enable
    group by runs.blueprint_id
) as began
"""


class Database:
    """The tables of a DevLake, read only."""

    def __init__(self, url: str) -> None:
        """Connect once, so that a wrong address or password is said before anything is read."""
        self._url = _address(url)
        # What is said of the address: never a user, a password or a parameter.
        port = f":{self._url.port}" if self._url.port else ""
        self.name = f"{self._url.host or 'localhost'}{port}/{self._url.database}"
        kind = self._url.get_backend_name()
        self._engine = sa.create_engine(
            self._url, pool_pre_ping=True, hide_parameters=True, connect_args=CONNECT[kind]
        )
        with self._connected() as connection:
            inspector = sa.inspect(connection)
            self._tables = set(inspector.get_table_names()) | set(inspector.get_view_names())
            self._inspected: dict[str, sa.Table] = {}

    def columns(self, name: str) -> set[str] | None:
        """Columns of a table, or None where there is no such table."""
        if name not in self._tables:
            return None
        if name not in self._inspected:
            with self._connected(name) as connection:
                table = sa.Table(name, sa.MetaData(), autoload_with=connection, resolve_fks=False)
            self._inspected[name] = table
        return set(self._inspected[name].columns.keys())

    def count(self, entity: Entity) -> int:
        """Rows of an entity."""
        query = sa.select(sa.func.count()).select_from(self._table(entity))
        with self._connected(entity.name) as connection:
            return int(connection.execute(query.where(*self._only(entity))).scalar_one())

    def newest(self, entity: Entity) -> datetime | None:
        """When DevLake last wrote a row of an entity; None where it does not say."""
        table = self._table(entity)
        if not entity.version_column or entity.version_column not in table.columns:
            return None
        query = sa.select(sa.func.max(table.columns[entity.version_column]))
        with self._connected(entity.name) as connection:
            return _aware(connection.execute(query).scalar_one())

    def collected_to(self) -> datetime | None:
        """What DevLake has collected to by its own books; None where it does not say."""
        if not {"_devlake_pipelines", "_devlake_blueprints"} <= self._tables:
            return None
        try:
            with self._connected() as connection:
                return _aware(connection.execute(sa.text(COLLECTED_TO)).scalar_one())
        except FlowgrainError:
            return None

    def batches(
        self, entity: Entity, columns: list[str], since: datetime | None
    ) -> Iterator[pa.Table]:
        """Rows of an entity that DevLake wrote since then, the oldest first, never all at once.

        Raises DroppedError where the connection breaks on the way.
        """
        table = self._table(entity)
        read = {name: entity.columns[name].reads for name in columns}
        query = sa.select(*(table.columns[theirs].label(ours) for ours, theirs in read.items()))
        query = query.where(*self._only(entity))
        if entity.version_column in read:
            written = table.columns[entity.version_column]
            if since:
                moment = since if getattr(written.type, "timezone", False) else _naive(since)
                query = query.where(sa.or_(written >= moment, written.is_(None)))
            query = query.order_by(
                written, *(table.columns[read[k]] for k in entity.key if k in read)
            )
        try:
            with self._engine.connect() as connection:
                streaming = connection.execution_options(
                    stream_results=True, max_row_buffer=BATCH_ROWS
                )
                for rows in streaming.execute(query).partitions(BATCH_ROWS):
                    yield table_of(entity, columns, [tuple(row) for row in rows])
        except DBAPIError as error:
            refused = self._refused(error, entity.name)
            # MySQL's driver calls a column that may not be read an operational error, too.
            if "denied" in str(error.orig) or not _is_broken(error):
                raise refused from None
            raise DroppedError from None

    def _table(self, entity: Entity) -> sa.Table:
        self.columns(entity.name)
        return self._inspected[entity.name]

    def _only(self, entity: Entity) -> list[sa.ColumnElement[bool]]:
        table = self._table(entity)
        return [table.columns[name].in_(values) for name, values in entity.only.items()]

    @contextmanager
    def _connected(self, table: str = "") -> Iterator[sa.Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise self._refused(error, table) from None

    def _refused(self, error: Exception, table: str = "") -> FlowgrainError:
        why = why_refused(getattr(error, "orig", error))
        what = f"DevLake's database {self.name}"
        what = f"Table {table} of {what}" if table else what
        return FlowgrainError(
            f"{what} cannot be read: {why or type(error).__name__}",
            "Check the address and that the user may read it, then run it again",
        )


def _is_broken(error: DBAPIError) -> bool:
    return isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated


class DroppedError(Exception):
    """The connection broke while rows were read."""


def wait(attempt: int) -> None:
    """Give a server time to come back: two seconds, then four, eight, sixteen."""
    sleep(2**attempt)


def _address(text: str) -> sa.URL:
    try:
        url = sa.make_url(text)
        driver = DRIVERS.get(url.get_backend_name())
    except (ArgumentError, NoSuchModuleError, ValueError):
        driver, url = None, None
    # Signs of a password in the host or after it: what is read there would be told.
    is_plain = url and PLAIN.fullmatch(f"{url.host or ''}/{url.database or ''}")
    if url is None or driver is None or not url.database or not is_plain:
        raise FlowgrainError("The address of DevLake's database cannot be read", ADDRESS_REMEDY)
    return url.set(drivername=driver).difference_update_query(GO_WORDS)


def _aware(moment: datetime | None) -> datetime | None:
    """DevLake writes UTC, on MySQL without saying so."""
    return moment.replace(tzinfo=moment.tzinfo or UTC) if moment else None


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
