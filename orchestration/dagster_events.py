"""Where Dagster writes what happened: one SQLite file, whose connections stay open."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS


class HeldOpenEventLog(ConsolidatedSqliteEventLogStorage):
    """Dagster's own log in one file, without its new engine and connection for each statement.

    Those cost more than what they write: a build tells two thousand events, each in several
    statements, which the engine compiles once if it stays.
    """

    @cached_property
    def _engine(self) -> sa.Engine:
        engine = sa.create_engine(
            self._conn_string, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
        )
        sa.event.listen(engine, "connect", _spare_syncs)
        return engine

    @contextmanager
    def _connect(self) -> Iterator[sa.Connection]:
        with self._engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        """Close what was held open."""
        super().dispose()
        self._engine.dispose()


def _spare_syncs(connection: Any, _: Any) -> None:
    """A power cut may cost the last events, and nothing else: SQLite's own advice beside a WAL."""
    connection.execute("pragma synchronous = normal")
