"""Rows of DevLake in the types that the door reads, and who is behind an account."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.landing.contract import Column, Entity
from orchestration.landing.identity import People, canonical

UTC_TIME = pa.timestamp("us", "UTC")
# Names of accounts are read to know who is who, and land nowhere.
ACCOUNTS = Entity(
    name="accounts",
    description="One row per account of a person in one connection.",
    key=("id",),
    columns={
        name: Column(name, "text", "Read at the door only.", reads=name)
        for name in ("id", "user_name", "email", "full_name")
    },
    derived={},
)
# As the macro without_connection has it.
CONNECTION_OF_ID = re.compile(r"^([^:]+:[^:0-9][^:]*):\d+:")


def table_of(entity: Entity, columns: list[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """Rows as a driver gives them; a time without a zone is UTC, as DevLake writes it."""
    values = zip(*rows, strict=True)
    return pa.table(
        {name: _array(entity, name, column) for name, column in zip(columns, values, strict=True)}
    )


def _array(entity: Entity, name: str, values: Sequence[Any]) -> pa.Array:
    if entity.columns[name].type == "timestamp" and all(
        value is None or isinstance(value, datetime) for value in values
    ):
        moments = [v and (v.astimezone(UTC) if v.tzinfo else v.replace(tzinfo=UTC)) for v in values]
        return pa.array(moments, UTC_TIME)
    return pa.array([_text(value) for value in values], pa.string())


def _text(value: Any) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return None if value is None else str(value)


def in_utc(scratch: duckdb.DuckDBPyConnection, entity: Entity, table: pa.Table) -> pa.Table:
    """Times of an export, which may say no zone, or be written short."""
    for index, name in enumerate(table.column_names):
        column = entity.columns.get(name)
        if column is None or column.type != "timestamp":
            continue
        if pa.types.is_timestamp(table[name].type):
            table = table.set_column(index, name, table[name].cast(UTC_TIME))
        else:
            scratch.register("written", table.select(["_row", name]))
            # What is no time stays as it is, for the door to set aside.
            told = scratch.sql(
                f"""
                select coalesce(
                    strftime(try_cast("{name}" as timestamptz), '%Y-%m-%dT%H:%M:%S.%fZ'), "{name}"
                ) as told
                from written order by _row
                """
            ).to_arrow_table()
            scratch.unregister("written")
            table = table.set_column(index, name, told["told"])
    return table


class Accounts:
    """Names behind the ids of accounts, so that a person counts once and a bot is known.

    DevLake gives a person an account in each connection; name and address make them one, which can
    only lower a head count.
    """

    def __init__(self, people: People) -> None:
        """Nobody is met yet."""
        self._people = people
        self._name_of: dict[str, str] = {}

    def meet_all(self, table: pa.Table) -> None:
        """Take a batch of the table accounts."""
        for row in table.to_pylist():
            login = row.get("user_name") or row.get("email") or row.get("full_name")
            self.meet(row["id"], login, row.get("email"))

    def meet(self, key: str | None, login: str | None, email: str | None = None) -> None:
        """Take an account with what it is called, and the address that it commits under."""
        if key and login and canonical(login) and key not in self._name_of:
            self._name_of[key] = login
            # For a later load that does not tell the name again.
            self._people.join_own(CONNECTION_OF_ID.sub(r"\1:", key), login)
            if email:
                self._people.join_own(email, login)

    def names(self, keys: pa.ChunkedArray) -> pa.Array:
        """Names in place of ids; an id that nobody told of, without its connection."""
        return pa.array(
            [
                key and self._name_of.get(key, CONNECTION_OF_ID.sub(r"\1:", key))
                for key in keys.to_pylist()
            ],
            pa.string(),
        )
