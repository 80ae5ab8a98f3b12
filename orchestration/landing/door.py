"""The way in: rows are typed, people keyed, what cannot be read is set aside, all is counted."""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.errors import FlowgrainError
from orchestration.home import Home
from orchestration.landing import derive
from orchestration.landing.contract import (
    SQL_TYPES,
    Column,
    Entity,
    contract_version,
    entities,
)
from orchestration.landing.identity import People, open_pepper
from orchestration.landing.vault import open_vault, plain_errors

# How a landing tells what it is at; a line at a time.
Say = Callable[[str], None]
AnyLoad = TypeVar("AnyLoad", bound="Load")
# Connection of the invented organisation.
DEMO = "demo"
LONGEST_TEXT = 4096
# Of so many rows, more than half unreadable are no bad rows: their source speaks otherwise now.
FEW_ROWS = 100
# Seconds and fractions may be missing; the zone may not.
CLOCK_TIME = r"\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?"
ZONED = rf"\d{{4}}-\d{{2}}-\d{{2}}[T ]{CLOCK_TIME}\s*(Z|z|UTC|[+-]\d{{2}}(:?\d{{2}})?)"
QUARTER = r"\d{4}-q[1-4]"
UNZONED = rf"\d{{4}}-\d{{2}}-\d{{2}}([T ]{CLOCK_TIME})?"


@dataclass
class Counts:
    """What became of the rows of one entity in one load."""

    rows_read: int = 0
    rows_inserted: int = 0
    rows_updated: int = 0
    rows_unchanged: int = 0
    rows_superseded: int = 0
    rows_quarantined: int = 0
    # Of what was there before: the source has withdrawn them.
    rows_removed: int = 0

    def add(self, other: "Counts") -> None:
        """Sum up over loads."""
        for count in fields(self):
            setattr(self, count.name, getattr(self, count.name) + getattr(other, count.name))

    @property
    def is_balanced(self) -> bool:
        """Nothing lost: what was read is staged, already known, or in quarantine."""
        return self.rows_read == (
            self.rows_inserted
            + self.rows_updated
            + self.rows_unchanged
            + self.rows_superseded
            + self.rows_quarantined
        )


@dataclass
class Landing:
    """What one `land` did: counts by entity, what came in before in the same form."""

    counts: dict[str, Counts] = field(default_factory=dict)
    unchanged: list[str] = field(default_factory=list)
    made_key: bool = False

    def add(self, load: "Load") -> None:
        """Count a load that came in."""
        for entity, counts in load.counts.items():
            self.counts.setdefault(entity, Counts()).add(counts)


class Door(AbstractContextManager["Door"]):
    """One source's way into the vault; holds the writer's lock while it is open."""

    def __init__(
        self, home: Home, source: str, *, target: str = "dev", is_demo: bool | None = False
    ) -> None:
        """Read the key before anything else: without one, not a row is read.

        `is_demo` says whether what comes in is invented; None where it is of what is there already.
        """
        self.is_demo = is_demo
        self.home = home.prepare()
        self.source = source
        self.pepper, self.made_key = open_pepper(home, target=target)
        self._lock = home.writing()

    def __enter__(self) -> "Door":
        """Open the vault, make what is missing in it, and compare the key's id."""
        self._lock.__enter__()
        try:
            # Under the lock: another process may just have kept what it learned of accounts.
            self.people = People(self.home, self.pepper)
            with plain_errors(self.home):
                self.vault = open_vault(self.home)
                self.scratch = duckdb.connect(":memory:")
                self.scratch.sql("set TimeZone = 'UTC'")
            self._check_key()
            self._check_demo()
            self._tell_what_was_kept()
        except BaseException:
            self._lock.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close both databases and let the next writer in."""
        try:
            with suppress(duckdb.Error):
                self.vault.close()
            self.scratch.close()
        finally:
            self._lock.__exit__(kind, error, traceback)

    def _check_key(self) -> None:
        known = self.vault.execute("select distinct key_id from door.loads").fetchall()
        if any(key_id != self.pepper.key_id for (key_id,) in known):
            raise FlowgrainError(
                f"The vault was loaded with another key than {self.pepper.key_id}",
                "Give the key it was loaded with, or start in an empty FLOWGRAIN_HOME",
                rule="K04",
            )

    def _check_demo(self) -> None:
        """What is invented and what is real would be one organisation in every number."""
        known = self.vault.execute(
            "select distinct connection = ? from door.loads", [DEMO]
        ).fetchall()
        if self.is_demo is not None and any(is_demo != self.is_demo for (is_demo,) in known):
            raise FlowgrainError(
                f"{self.home.root} holds "
                + ("real data" if self.is_demo else "the demo organisation"),
                "Set FLOWGRAIN_HOME to a folder of its own for this, or run `make clean` first",
            )

    def has_landed(self, connection: str, digest: str) -> bool:
        """Whether this very content came in before, so that loading twice changes nothing."""
        found = self.vault.execute(
            "select 1 from door.loads where source = ? and connection = ? and digest = ?",
            [self.source, connection, digest],
        ).fetchone()
        return found is not None

    def position(self, connection: str) -> str | None:
        """Where the last complete load of this connection ended, in the source's own words."""
        found = self.vault.execute(
            "select position from door.connections where source = ? and connection = ?",
            [self.source, connection],
        ).fetchone()
        return found[0] if found else None

    @contextmanager
    def load(
        self, connection: str, *, origin: str, loaded_to: datetime, digest: str | None = None
    ) -> Iterator["Load"]:
        """One delivery, one transaction: it comes in whole, balanced, or not at all."""

        def begin() -> Load:
            found = self.vault.execute("select nextval('door.load_ids')").fetchone()
            assert found is not None
            load = Load(self, int(found[0]), origin, loaded_to)
            # A killed load wrote its payloads and took its number back.
            load.forget_payloads()
            self.vault.execute(
                "insert into door.loads values (?, ?, ?, ?, ?, ?, ?, ?, ?, 'complete')",
                [
                    load.load_id,
                    self.source,
                    connection,
                    origin,
                    digest,
                    contract_version(self.source),
                    self.pepper.key_id,
                    load.loaded_to,
                    now(),
                ],
            )
            return load

        with self.whole(begin) as load:
            yield load

    @contextmanager
    def whole(self, begin: Callable[[], AnyLoad]) -> Iterator[AnyLoad]:
        """Keep all that a load does, or nothing of it where it raises or does not balance."""
        with plain_errors(self.home):
            self.vault.execute("begin")
            load: AnyLoad | None = None
            try:
                load = begin()
                yield load
                load.finish()
                self._keep_people()
                self.vault.execute("commit")
            except BaseException:
                with suppress(duckdb.Error):
                    self.vault.execute("rollback")
                if load is not None:
                    load.forget_payloads()
                # What it learned of accounts is told with the next load.
                self.people.has_changed = True
                raise

    def keep_people(self) -> None:
        """Take over what was declared of accounts, in a transaction of its own."""
        with plain_errors(self.home):
            self.vault.execute("begin")
            try:
                self._keep_people()
                self.vault.execute("commit")
            except BaseException:
                with suppress(duckdb.Error):
                    self.vault.execute("rollback")
                self.people.has_changed = True
                raise

    def _tell_what_was_kept(self) -> None:
        """The map may know more than the vault: of a killed load, or of a vault made anew."""
        with plain_errors(self.home):
            told = self.vault.execute("select * from door.people").fetchall()
        if set(told) != set(self.people.keys()):
            self.people.has_changed = True
            self.keep_people()

    def _keep_people(self) -> None:
        """Tell the vault which keys are one person, and who is resolved; never which account."""
        if not self.people.has_changed:
            return
        self.people.save()
        names = ("landed_key", "person_key", "is_resolved")
        types = (pa.string(), pa.string(), pa.bool_())
        people = pa.Table.from_pylist(
            [dict(zip(names, row, strict=True)) for row in self.people.keys()],
            schema=pa.schema(zip(names, types, strict=True)),
        )
        self.vault.execute("delete from door.people")
        self.vault.register("people_now", people)
        self.vault.execute("insert into door.people select * from people_now")
        self.vault.unregister("people_now")

    def arrive(self, connection: str, *, loaded_to: datetime, position: str | None = None) -> None:
        """Say that a connection is loaded to a point in time: the high-water mark of its data.

        It never moves back. Called when every load of a delivery is in.
        """
        with plain_errors(self.home):
            self.vault.execute("begin")
            found = self.vault.execute(
                "select max(loaded_to) from door.connections where source = ? and connection = ?",
                [self.source, connection],
            ).fetchone()
            mark = naive_utc(loaded_to)
            if found and found[0]:
                mark = max(mark, found[0])
            self.vault.execute(
                "delete from door.connections where source = ? and connection = ?",
                [self.source, connection],
            )
            self.vault.execute(
                "insert into door.connections values (?, ?, ?, ?, ?)",
                [self.source, connection, position, mark, now()],
            )
            self.vault.execute("commit")


class Load:
    """Rows of one delivery on their way into the vault."""

    def __init__(self, door: Door, load_id: int, origin: str, loaded_to: datetime) -> None:
        """Nothing is read yet; `door.loads` has the row of this load id."""
        self.door = door
        self.load_id = load_id
        self.origin = origin
        self.loaded_to = naive_utc(loaded_to)
        self.counts: dict[str, Counts] = {}
        self._payloads = payloads_of(door.home, load_id)
        self._staged: set[str] = set()

    def rows(self, entity_name: str, table: pa.Table) -> None:
        """Take rows as the source has them into the vault; see `read`."""
        typed = self.read(entity_name, table)
        if typed is not None:
            self._stage(entities(self.door.source)[entity_name], typed)

    def read(self, entity_name: str, table: pa.Table) -> pa.Table | None:
        """Rows as they may land: allow-listed, typed, people keyed; the unreadable set aside.

        The table holds columns of the contract, of any type and in any order; those that the
        contract does not name are dropped. A column `_row` gives the row's number in its origin;
        without it rows are numbered from 1. None where there are no rows.
        """
        entity = entities(self.door.source)[entity_name]
        counts = self.counts.setdefault(entity_name, Counts())
        counts.rows_read += table.num_rows
        if not table.num_rows:
            return None
        if "_row" not in table.column_names:
            numbers = pa.array(range(1, table.num_rows + 1), pa.int64())
            table = table.append_column("_row", numbers)
        known = [c for c in table.column_names if c == "_row" or _is_known(entity, c)]
        table = table.select(known)
        typed = self._typed(entity, table)
        is_bad = typed.column("_field").is_valid()
        if (bad := typed.filter(is_bad)).num_rows:
            self._set_aside(entity_name, bad, table.filter(is_bad))
            typed = typed.filter(pc.invert(is_bad))
        return typed.drop_columns(["_row", "_field", "_reason"])

    def dicts(self, entity_name: str, rows: list[dict[str, object]]) -> None:
        """The same for dictionaries, of a source that reads its rows one by one."""
        if rows:
            schema = _loose_schema(entities(self.door.source)[entity_name], rows)
            self.rows(entity_name, pa.Table.from_pylist(rows, schema))

    def quarantine(
        self,
        entity_name: str,
        *,
        row: int | None,
        field: str | None,
        reason: str,
        payload: object,
        columns: list[str] | None = None,
    ) -> None:
        """Set aside what could not even be read as a row; it counts as read.

        `columns` are the names that the fields of a line have.
        """
        counts = self.counts.setdefault(entity_name, Counts())
        counts.rows_read += 1
        self._note(entity_name, [(row, field, reason)], [payload], columns)

    def _note(
        self,
        entity: str,
        notes: list[tuple[int | None, str | None, str]],
        payloads: list[object],
        columns: list[str] | None = None,
    ) -> None:
        """Reasons go to the vault; what was read goes to the door's own folder only."""
        self.counts[entity].rows_quarantined += len(notes)
        rows, fields_, reasons = zip(*notes, strict=True)
        noted = pa.table(
            {
                "row_number": pa.array(rows, pa.int64()),
                "field": pa.array(fields_, pa.string()),
                "reason": pa.array(reasons, pa.string()),
            }
        )
        self.door.vault.register("noted", noted)
        self.door.vault.execute(
            "insert into door.quarantine select ?, ?, ?, row_number, field, reason from noted",
            [self.load_id, entity, self.origin],
        )
        self.door.vault.unregister("noted")
        self._payloads.parent.mkdir(mode=0o700, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        descriptor = os.open(self._payloads, flags, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            for (row, field, reason), payload in zip(notes, payloads, strict=True):
                line: dict[str, object] = {"entity": entity, "row": row, "field": field}
                line |= {"reason": reason, **({"columns": columns} if columns else {})}
                file.write(json.dumps({**line, "payload": payload}, default=str) + "\n")

    def forget_payloads(self) -> None:
        """A load that did not come in leaves nothing behind."""
        self._payloads.unlink(missing_ok=True)

    def _set_aside(self, entity: str, bad: pa.Table, payload: pa.Table) -> None:
        columns = [bad.column(name).to_pylist() for name in ("_row", "_field", "_reason")]
        payloads: list[object] = list(payload.drop_columns(["_row"]).to_pylist())
        self._note(entity, list(zip(*columns, strict=True)), payloads)

    def _typed(self, entity: Entity, table: pa.Table) -> pa.Table:
        """Types, people and derived columns of a batch; `_field` and `_reason` where one fails."""
        schema = {field.name: field.type for field in table.schema}
        select, failures = [], []
        for column in entity.columns.values():
            expression, failure = _reading(column, schema, self.loaded_to)
            select.append(f'{expression} as "{column.name}"')
            failures.append((column.name, failure))
            flag = f"{column.name}_is_bot"
            if column.type == "person":
                said = f'"{flag}"' if flag in schema else "null"
                select.append(f'try_cast({said} as boolean) as "{flag}"')
        field = " ".join(f"when ({why}) is not null then '{name}'" for name, why in failures)
        reason = " ".join(f"when ({why}) is not null then ({why})" for _, why in failures)
        scratch = self.door.scratch
        scratch.register("batch", table)
        typed = scratch.sql(
            f"select _row, {', '.join(select)}, case {field} end as _field, "
            f"case {reason} end as _reason from batch order by _row"
        ).to_arrow_table()
        scratch.unregister("batch")
        columns: dict[str, pa.ChunkedArray | pa.Array] = {}
        for column in entity.columns.values():
            if column.type == "person":
                resolved = [self.door.people.resolve(a) for a in typed[column.name].to_pylist()]
                flags = typed[f"{column.name}_is_bot"].to_pylist()
                columns[f"{column.name}_key"] = pa.array([key for key, _ in resolved], pa.string())
                columns[f"{column.name}_is_bot"] = pa.array(
                    [bool(said) or bot for said, (_, bot) in zip(flags, resolved, strict=True)]
                )
            elif column.lands:
                columns[column.name] = typed[column.name]
        columns |= _derived(entity, typed)
        table_out = pa.table({c.name: columns[c.name] for c in entity.landed})
        for name in ("_row", "_field", "_reason"):
            table_out = table_out.append_column(name, typed[name])
        return _without_keyless(entity, table_out)

    def _stage(self, entity: Entity, typed: pa.Table) -> None:
        """Collect a batch in a temporary table; `finish` merges it."""
        names = ", ".join(f'"{c.name}"' for c in entity.landed)
        digest = ", ".join(f"coalesce(cast(\"{c.name}\" as varchar), '')" for c in entity.landed)
        self.door.vault.register("typed", typed)
        select = f"select {names}, md5(concat_ws(chr(31), {digest})) as _row_hash from typed"
        verb = (
            f'insert into temp."incoming_{entity.name}"'
            if entity.name in self._staged
            else f'create or replace temp table "incoming_{entity.name}" as'
        )
        self.door.vault.execute(f"{verb} {select}")
        self.door.vault.unregister("typed")
        self._staged.add(entity.name)

    def forget(self, repository: str, *names: str) -> None:
        """Take out what landed of a repository before: this delivery tells it anew.

        Of the entities named, or of all that belong to a repository.
        """
        for name, entity in entities(self.door.source).items():
            if "repository" not in entity.columns or (names and name not in names):
                continue
            raw = f'raw_{self.door.source}."{name}"'
            [removed] = self.door.vault.execute(
                f"delete from {raw} where repository = ?", [repository]
            ).fetchone() or (0,)
            if removed:
                self.counts.setdefault(name, Counts()).rows_removed += removed

    def keep_only(self, entity_name: str, key: list[str], keys: Iterable[pa.Table]) -> None:
        """Take out of an entity what is not among these keys: the source has it no more."""
        vault = self.door.vault
        raw = f'raw_{self.door.source}."{entity_name}"'
        columns = ", ".join(f'"{name}"' for name in key)
        # Declared: DuckDB 2.0 reads back empty what one transaction made by a query and filled.
        types = {c.name: SQL_TYPES[c.type] for c in entities(self.door.source)[entity_name].landed}
        declared = ", ".join(f'"{name}" {types[name]}' for name in key)
        vault.execute(f"create or replace temp table kept ({declared})")
        for table in keys:
            vault.register("batch", table)
            vault.execute(f"insert into temp.kept select {columns} from batch")
            vault.unregister("batch")
        same = " and ".join(f'raw."{n}" is not distinct from kept."{n}"' for n in key)
        [removed] = vault.execute(
            f"delete from {raw} as raw where not exists (select 1 from temp.kept where {same})"
        ).fetchone() or (0,)
        vault.execute("drop table temp.kept")
        self.counts.setdefault(entity_name, Counts()).rows_removed += removed

    def finish(self) -> None:
        """Merge what was staged, write down the counts and see that nothing was lost."""
        self._refuse_what_changed()
        for name in sorted(self._staged):
            self._merge(entities(self.door.source)[name])
        for name, counts in self.counts.items():
            if not counts.is_balanced:
                raise FlowgrainError(
                    f"Rows of {name} were lost between reading and staging",
                    "Nothing was kept of this load; report it",
                    rule="B06",
                )
            self._write_down(name, counts)

    def _refuse_what_changed(self) -> None:
        """Half a table in quarantine would count as landed, and nobody would land it again."""
        for name, counts in self.counts.items():
            bad, read = counts.rows_quarantined, counts.rows_read
            if read < FEW_ROWS or 2 * bad <= read:
                continue
            [field, reason] = self.door.vault.execute(
                "select field, reason from door.quarantine where load_id = ? and entity = ? "
                "group by all order by count(*) desc, field, reason limit 1",
                [self.load_id, name],
            ).fetchone() or (None, None)
            raise FlowgrainError(
                f"{bad:,} of {read:,} rows of {name} cannot be read, most of them for "
                f"{f'{field}: ' if field else ''}{reason}",
                "Nothing was kept of this load: see what its source calls and writes otherwise now",
            )

    def _write_down(self, entity: str, counts: Counts) -> None:
        self.door.vault.execute(
            "insert into door.load_counts values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                self.load_id,
                self.door.source,
                entity,
                *(getattr(counts, f.name) for f in fields(counts)),
            ],
        )

    def _merge(self, entity: Entity) -> None:
        """Keep of each key its newest version; an equal row changes nothing."""
        vault = self.door.vault
        raw = f'raw_{self.door.source}."{entity.name}"'
        key = ", ".join(f'"{name}"' for name in entity.landed_key)
        same = " and ".join(
            f'raw."{n}" is not distinct from incoming."{n}"' for n in entity.landed_key
        )
        version = f'"{entity.version_column}"' if entity.version_column else "null::timestamp"
        newest_first = "_version desc nulls last, _row_hash desc"
        raw_version, incoming_version = (
            f"coalesce({table}._version, timestamp '0001-01-01')" for table in ("raw", "incoming")
        )
        names = ", ".join(f'"{c.name}"' for c in entity.landed)
        vault.execute(
            f"""
            create or replace temp table decided as
            with versioned as (
                select *, {version} as _version from temp."incoming_{entity.name}"
            ),
            ranked as (
                select
                    *,
                    row_number() over (partition by {key} order by {newest_first}) as _rank,
                    first_value(_row_hash) over (
                        partition by {key} order by {newest_first}
                    ) as _winner_hash
                from versioned
            )
            select
                incoming.*,
                case
                    when incoming._rank > 1 and incoming._row_hash = incoming._winner_hash
                        then 'unchanged'
                    when incoming._rank > 1 then 'superseded'
                    when raw._row_hash is null then 'inserted'
                    when raw._row_hash = incoming._row_hash then 'unchanged'
                    when {raw_version} > {incoming_version} then 'superseded'
                    -- A replay tells what a delivery before this row's would have told.
                    when raw._load_id > {self.load_id} and {raw_version} = {incoming_version}
                        then 'superseded'
                    else 'updated'
                end as _decision
            from ranked as incoming
            left join (select *, {version} as _version from {raw}) as raw on {same}
            """
        )
        counts = self.counts[entity.name]
        for decision, count in vault.execute(
            "select _decision, count(*) from decided group by _decision"
        ).fetchall():
            name = f"rows_{decision}"
            setattr(counts, name, getattr(counts, name) + count)
        vault.execute(
            f"""
            delete from {raw} as raw using decided as incoming
            where {same} and incoming._decision = 'updated'
            """
        )
        vault.execute(
            f"""
            insert into {raw} ({names}, _load_id, _row_hash)
            select {names}, {self.load_id}, _row_hash
            from decided where _decision in ('inserted', 'updated')
            """
        )
        vault.execute("drop table temp.decided")
        vault.execute(f'drop table temp."incoming_{entity.name}"')


def payloads_of(home: Home, load_id: int) -> Path:
    """File of what a load set aside: a line for each row of it in `door.quarantine`."""
    return home.door / "quarantine" / f"load_{load_id:08d}.jsonl"


def naive_utc(moment: datetime) -> datetime:
    """The vault holds UTC without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def now() -> datetime:
    """When a load landed; only freshness looks at it, no model does."""
    return naive_utc(datetime.now(UTC))


def _is_known(entity: Entity, name: str) -> bool:
    person = name.removesuffix("_is_bot")
    return name in entity.columns or (
        person != name and person in entity.columns and entity.columns[person].type == "person"
    )


def _loose_schema(entity: Entity, rows: list[dict[str, object]]) -> pa.Schema:
    """Types of dictionaries that may hold only nulls in a column."""
    types = {"integer": pa.int64(), "boolean": pa.bool_(), "timestamp": pa.timestamp("us", "UTC")}
    columns = entity.columns
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.schema(
        [
            (name, types.get(columns[name].type, pa.string()) if name in columns else pa.bool_())
            if name != "_row"
            else ("_row", pa.int64())
            for name in names
        ]
    )


def _reading(
    column: Column, others: dict[str, pa.DataType], loaded_to: datetime
) -> tuple[str, str]:
    """SQL that reads a column, and SQL that gives the reason why it cannot be read, or null."""
    given = others.get(column.name)
    if given is None:
        nothing = "cast(null as varchar)" if not column.lands else _null(column)
        return nothing, "'missing'" if column.required else "cast(null as varchar)"
    raw = f'"{column.name}"'
    text = f"nullif(trim(cast({raw} as varchar)), '')"
    reasons = [f"when {text} is null then 'missing'"] if column.required else []
    if column.type == "timestamp":
        if pa.types.is_timestamp(given):
            typed = f"({raw} at time zone 'UTC')" if given.tz else "cast(null as timestamp)"
            reasons.append("" if given.tz else f"when {raw} is not null then 'tz_missing'")
        else:
            zoned = f"regexp_full_match({text}, '{ZONED}')"
            typed = f"case when {zoned} then try_cast({text} as timestamptz) at time zone 'UTC' end"
            reasons.append(f"when regexp_full_match({text}, '{UNZONED}') then 'tz_missing'")
            reasons.append(f"when {text} is not null and ({typed}) is null then 'not_a_timestamp'")
        # An event dated after the extract is a mistake: it would close buckets that are open.
        if not column.is_planned:
            reasons.append(f"when ({typed}) > timestamp '{loaded_to}' then 'later_than_extract'")
        if column.is_week:
            typed = f"date_trunc('week', {typed})"
    elif column.type in ("integer", "number"):
        typed = f"try_cast({text} as {SQL_TYPES[column.type]})"
        article = "an" if column.type == "integer" else "a"
        reason = f"not_{article}_{column.type}"
        reasons.append(f"when {text} is not null and {typed} is null then '{reason}'")
        if column.type == "number":
            reasons.append(f"when not isfinite({typed}) then '{reason}'")
        if not column.is_signed:
            reasons.append(f"when {typed} < 0 then 'negative'")
        most = column.most
        reasons.append(f"when {typed} not between -{most} and {most} then 'too_large'")
        if column.most_twice in others:
            twice = f'2 * try_cast("{column.most_twice}" as double)'
            reasons.append(f"when {typed} > {twice} then 'too_large'")
        if column.values:
            numbers = ", ".join(str(value) for value in column.values)
            reasons.append(f"when {typed} not in ({numbers}) then 'unknown_value'")
    elif column.type == "boolean":
        typed = f"try_cast({text} as boolean)"
        reasons.append(f"when {text} is not null and {typed} is null then 'not_a_boolean'")
    elif column.type == "quarter":
        typed = f"lower({text})"
        reasons.append(f"when not regexp_full_match({typed}, '{QUARTER}') then 'not_a_quarter'")
    elif column.type == "free_text":
        typed = f"cast({raw} as varchar)"
    else:
        typed = text
        reasons.append(f"when length({text}) > {LONGEST_TEXT} then 'too_long'")
        reasons.append(f"when contains({text}, chr(0)) then 'control_character'")
        if column.values:
            allowed = ", ".join(f"'{value}'" for value in column.values)
            reasons.append(f"when {text} not in ({allowed}) then 'unknown_value'")
    reasons = [reason for reason in reasons if reason]
    return typed, f"case {' '.join(reasons)} end" if reasons else "cast(null as varchar)"


def _null(column: Column) -> str:
    return f"cast(null as {SQL_TYPES.get(column.type, 'varchar')})"


def _derived(entity: Entity, typed: pa.Table) -> dict[str, pa.Array]:
    """Columns that rest on free text."""
    if not entity.derived:
        return {}
    texts = [c.name for c in entity.columns.values() if not c.lands]
    derive_row = derive.DERIVE[entity.derived_by]
    values = [derive_row(row) for row in typed.select(texts).to_pylist()]
    types = {"boolean": pa.bool_(), "text": pa.string()}
    return {
        name: pa.array([value[name] for value in values], types[landed.type])
        for name, landed in entity.derived.items()
    }


def _without_keyless(entity: Entity, table: pa.Table) -> pa.Table:
    """A row whose key is an account of nobody cannot be told apart: it goes to quarantine."""
    people = [n for n in entity.landed_key if n.endswith("_key")]
    for name in people:
        keyless = pc.and_(pc.is_null(table[name]), pc.is_null(table["_field"]))
        for column, value in (("_reason", "nobody"), ("_field", name.removesuffix("_key"))):
            index = table.column_names.index(column)
            filled = pc.if_else(keyless, pa.scalar(value), table[column])
            table = table.set_column(index, column, filled)
    return table
