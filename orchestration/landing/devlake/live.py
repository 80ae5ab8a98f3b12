"""From a live database: what DevLake wrote since the last load, and what it has no more."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import pyarrow as pa

from orchestration.errors import FlowgrainError
from orchestration.landing.contract import Entity
from orchestration.landing.devlake.arrival import CONNECTION, SOURCE, TABLES, Arrival
from orchestration.landing.devlake.database import Database, DroppedError, wait
from orchestration.landing.devlake.rows import ACCOUNTS

# Rows of one transaction: what a broken connection costs.
CHUNK_ROWS = 200_000
ATTEMPTS = 5
# A row may become visible after others that were written later.
OVERLAP = timedelta(hours=1)


def land_live(arrival: Arrival, database: Database, loaded_to: datetime | None) -> None:
    """Land table by table; what is in stays, whatever happens to the next."""
    plan = {
        name: columns
        for name, entity in TABLES.items()
        if (columns := arrival.readable(entity, database.columns(name)))
    }
    if not plan:
        raise FlowgrainError(
            f"{database.name} holds no table of DevLake",
            "Give the address of DevLake's own database, as its DB_URL says it",
        )
    written = [moment for name in plan if (moment := database.newest(TABLES[name]))]
    mark = loaded_to or database.collected_to() or max(written, default=None)
    if mark is None:
        raise FlowgrainError(
            f"{database.name} does not say what it is loaded to", "Say it with --loaded-to"
        )
    try:
        _meet(arrival, database)
        for name, columns in plan.items():
            # Nothing that DevLake wrote down happened after it wrote it.
            limit = loaded_to or max(mark, *written)
            table = _Table(arrival, database, TABLES[name], columns, limit)
            table.land()
            table.withdraw()
    except DroppedError:
        raise FlowgrainError(
            f"The connection to {database.name} broke",
            "What was read is kept; run it again when the database answers",
        ) from None
    arrival.door.arrive(CONNECTION, loaded_to=mark)


def _meet(arrival: Arrival, database: Database) -> None:
    """All accounts are known before the first is keyed."""
    there = database.columns(ACCOUNTS.name) or set()
    columns = [name for name in ACCOUNTS.columns if name in there]
    if "id" in columns:
        for table in database.batches(ACCOUNTS, columns, None):
            arrival.accounts.meet_all(table)


class _Table:
    """One table on its way."""

    def __init__(
        self,
        arrival: Arrival,
        database: Database,
        entity: Entity,
        columns: list[str],
        limit: datetime,
    ) -> None:
        self.arrival = arrival
        self.vault = arrival.door.vault
        self.database = database
        self.entity = entity
        self.columns = columns
        self.limit = limit
        self.is_versioned = entity.version_column in columns

    def land(self) -> None:
        """Read what is new; all of it where DevLake still has more than came in."""
        there = self.database.count(self.entity)
        self._read(resumes=self.is_versioned)
        if self.is_versioned and there > self._landed("count(*)") and not self._has_quarantined():
            # Written long ago and seen only now, say after a backup was played back.
            self._read(resumes=False)

    def _read(self, *, resumes: bool) -> None:
        """Go on where it was when the connection breaks, as long as each try brings it further."""
        attempt = read = 0
        since = self._since() if resumes else None
        while True:
            stream = self.database.batches(self.entity, self.columns, since)
            try:
                for chunk in _chunks(stream):
                    with self._load() as load:
                        for table in chunk:
                            numbers = pa.array(range(read + 1, read + table.num_rows + 1))
                            self.arrival.take(
                                load, self.entity, table.append_column("_row", numbers)
                            )
                            read += table.num_rows
                    self.arrival.done.add(load)
                    self.arrival.say(f"{self.entity.name}: {read:,} rows")
                return
            except DroppedError:
                reached = self._since() if resumes else None
                attempt = attempt + 1 if reached == since else 1
                since = reached
                if attempt == ATTEMPTS:
                    raise FlowgrainError(
                        f"The connection to {self.database.name} broke {ATTEMPTS} times while "
                        f"{self.entity.name} was read",
                        "What was read is kept; run it again when the database answers",
                    ) from None
                self.arrival.say(f"{self.entity.name}: the connection broke; trying again")
                wait(attempt)

    def _since(self) -> datetime | None:
        """When DevLake wrote the newest row that is in, and a little before; None for all rows."""
        newest = self._landed(f"max({self.entity.version_column})")
        return newest.replace(tzinfo=UTC) - OVERLAP if newest else None

    def withdraw(self) -> None:
        """Take out what DevLake has no more, say since its rules for deployments changed."""
        is_counted = self.database.count(self.entity) == self._landed("count(*)")
        if is_counted and not self._has_quarantined():
            return
        key = [name for name in self.entity.key if name in self.entity.columns]
        with self._load() as load:
            load.keep_only(self.entity.name, key, self.database.batches(self.entity, key, None))
        self.arrival.done.add(load)

    def _has_quarantined(self) -> bool:
        """Rows that were set aside are in DevLake and not in here, so counts say nothing."""
        query = """
            select count(*) from door.quarantine inner join door.loads using (load_id)
            where loads.source = ? and quarantine.entity = ?
        """
        found = self.vault.execute(query, [SOURCE, self.entity.name]).fetchone()
        return bool(found and found[0])

    def _load(self) -> Any:
        return self.arrival.door.load(CONNECTION, origin=self.entity.name, loaded_to=self.limit)

    def _landed(self, expression: str) -> Any:
        query = f'select {expression} from raw_devlake."{self.entity.name}"'
        found = self.vault.execute(query).fetchone()
        return found and found[0]


def _chunks(stream: Iterator[pa.Table]) -> Iterator[Iterator[pa.Table]]:
    """Batches in the portions of a transaction; each portion is used up before the next."""
    for first in stream:
        yield _portion(first, stream)


def _portion(first: pa.Table, stream: Iterator[pa.Table]) -> Iterator[pa.Table]:
    taken = 0
    for table in chain([first], stream):
        yield table
        taken += table.num_rows
        if taken >= CHUNK_ROWS:
            return
