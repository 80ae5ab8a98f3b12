"""`flowgrain replay`: what was set aside is read again, as the contract has it today.

A row is told of by the load that read it: what lands now leaves that load's quarantine and joins
what it landed, so that every row is counted once. What still cannot be read stays where it is.
"""

import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from orchestration.errors import FlowgrainError
from orchestration.home import Home
from orchestration.landing import files, github, webhooks
from orchestration.landing.contract import SOURCES, Entity, entities
from orchestration.landing.devlake import arrival as devlake
from orchestration.landing.door import Counts, Door, Landing, Load, Say, now, payloads_of
from orchestration.landing.tabular import BATCH_ROWS, row_of

Line = dict[str, Any]
Row = dict[str, Any]
Take = Callable[[Entity, Load, list[Row]], None]


@dataclass(frozen=True)
class Aside:
    """A load that has rows in quarantine; `told_anew` are entities a later load withdrew from."""

    load_id: int
    origin: str
    loaded_to: datetime
    told_anew: frozenset[str]


class NothingNewError(Exception):
    """No row of a load can be read that could not be read before."""


class Replay(Load):
    """A load that came in before, once more, for the rows that it had set aside."""

    def __init__(self, door: Door, aside: Aside) -> None:
        """Take its rows out of quarantine; they come back if they are no rows today either."""
        super().__init__(door, aside.load_id, aside.origin, aside.loaded_to)
        self._before, self._payloads = self._payloads, _rest(self._payloads)
        self.forget_payloads()
        self._asked = Counter(
            dict(
                door.vault.execute(
                    "select entity, count(*) from door.quarantine where load_id = ? group by all",
                    [self.load_id],
                ).fetchall()
            )
        )
        door.vault.execute("delete from door.quarantine where load_id = ?", [self.load_id])

    def finish(self) -> None:
        """Correct the books of the load. Raises NothingNewError where no row can be read more."""
        if sum(counts.rows_quarantined for counts in self.counts.values()) >= self._asked.total():
            raise NothingNewError
        # A build and the expectations go by when something last landed.
        self.door.vault.execute(
            "update door.loads set landed_at = ? where load_id = ?", [now(), self.load_id]
        )
        super().finish()

    def _refuse_what_changed(self) -> None:
        """What is read again was bad before."""

    def _write_down(self, entity: str, counts: Counts) -> None:
        asked = Counts(rows_read=-self._asked[entity], rows_quarantined=-self._asked[entity])
        asked.add(counts)
        names = [field.name for field in fields(Counts)]
        key = [self.load_id, self.door.source, entity]
        of_entity = "load_id = ? and source = ? and entity = ?"
        found = self.door.vault.execute(
            f"select {', '.join(names)} from door.load_counts where {of_entity}", key
        ).fetchone()
        asked.add(Counts(*found) if found else Counts())
        self.door.vault.execute(f"delete from door.load_counts where {of_entity}", key)
        super()._write_down(entity, asked)

    def leave(self, line: Line) -> None:
        """Put a row back as it was."""
        said = {name: line.get(name) for name in ("row", "field", "reason", "payload", "columns")}
        self.quarantine(line["entity"], **said)  # type: ignore[arg-type]


def replay(home: Home, *, target: str = "dev", say: Say = lambda line: None) -> Landing:
    """Read again all that is in quarantine; a second time changes nothing.

    A row that a later delivery has told since stays as that one told it. Rows of a table from which
    the source has withdrawn rows since stay aside: who knows if it has them still.
    """
    if not home.vault.exists():
        raise FlowgrainError("Nothing has landed yet", "Land your sources first")
    done = Landing()
    for source in SOURCES:
        with Door(home, source, target=target, is_demo=None) as door:
            _forget_what_was_drained(door)
            for aside in _asides(door):
                if not _settle(door, aside.load_id):
                    say(f"load {aside.load_id}: what it set aside was deleted")
                    continue
                done.add(_replay(door, aside))
    return done


def _forget_what_was_drained(door: Door) -> None:
    """A replay that was killed after its last row landed left the rows as they came."""
    drained = door.vault.execute(
        """
        select load_id from door.loads
        where source = ? and load_id not in (select load_id from door.quarantine)
        """,
        [door.source],
    ).fetchall()
    for (load_id,) in drained:
        path = payloads_of(door.home, load_id)
        path.unlink(missing_ok=True)
        _rest(path).unlink(missing_ok=True)


def _asides(door: Door) -> list[Aside]:
    found = door.vault.execute(
        """
        select
            load_id,
            origin,
            loaded_to,
            (
                select list(distinct counts.entity)
                from door.load_counts as counts
                inner join door.loads as later on counts.load_id = later.load_id
                where
                    counts.rows_removed > 0
                    and later.load_id > loads.load_id
                    and later.source = loads.source
                    and later.connection = loads.connection
            )
        from door.loads as loads
        where
            source = ?
            and load_id in (select load_id from door.quarantine)
        order by load_id
        """,
        [door.source],
    ).fetchall()
    return [Aside(load, origin, mark, frozenset(anew or ())) for load, origin, mark, anew in found]


def _settle(door: Door, load_id: int) -> bool:
    """Bring payloads in step with the books after a kill; False where payloads are missing."""
    [noted] = door.vault.execute(
        "select count(*) from door.quarantine where load_id = ?", [load_id]
    ).fetchone() or (0,)
    path = payloads_of(door.home, load_id)
    rest = _rest(path)
    # What is left is written before the books are closed, and takes its place after.
    if _count(path) != noted and _count(rest) == noted:
        os.replace(rest, path)
    return _count(path) == noted


def _replay(door: Door, aside: Aside) -> Replay:
    path = payloads_of(door.home, aside.load_id)
    again = None
    try:
        with door.whole(lambda: Replay(door, aside)) as again:
            with path.open(encoding="ascii") as file:
                lines = (json.loads(line) for line in file)
                while batch := list(islice(lines, BATCH_ROWS)):
                    _take(again, batch, aside)
    except NothingNewError:
        pass
    else:
        rest = _rest(path)
        if rest.exists():
            os.replace(rest, path)
        else:
            path.unlink()
    assert again is not None
    return again


def _take(load: Replay, lines: list[Line], aside: Aside) -> None:
    """Land what is a row today, in the way of its source, and leave the rest."""
    known = entities(load.door.source)
    rows: dict[tuple[Take, str], list[Row]] = {}
    for line in lines:
        name = line["entity"]
        readable = name in known and name not in aside.told_anew
        found = _read(load, known[name], line) if readable else None
        if found is None:
            load.leave(line)
            continue
        take, read = found
        rows.setdefault((take, name), []).extend({**row, "_row": line["row"]} for row in read)
    for (take, name), of_entity in rows.items():
        take(known[name], load, of_entity)


def _read(load: Load, entity: Entity, line: Line) -> tuple[Take, list[Row]] | None:
    """Rows of something that was set aside and the way on for them; None where it is no row."""
    source, payload, columns = load.door.source, line["payload"], line.get("columns")
    if isinstance(payload, str) and columns:
        payload = row_of(payload, columns)
        # What a DevLake tells beside its rows is there only when its export is landed.
        if payload is None or source == devlake.SOURCE:
            return None
        if source == "files":
            return _take_cells, [payload]
    if isinstance(payload, str):
        if not load.origin.endswith(".jsonl"):
            return None
        told = webhooks.rows_of(payload.encode("utf-8", "surrogatepass"), entity.name)
        return None if isinstance(told, str) else (files.take_webhooks, told)
    if source == github.SOURCE and "data" in payload:
        try:
            return github.take, [github.row_of(entity, payload)]
        except github.NO_OBJECT:
            return None
    return _take_typed, [{name: _text(value) for name, value in payload.items()}]


def _take_cells(entity: Entity, load: Load, rows: list[Row]) -> None:
    files.take(entity, load, files.texts(rows))


def _take_typed(entity: Entity, load: Load, rows: list[Row]) -> None:
    """Rows as the door had them: what their text names has landed already."""
    load.rows(entity.name, files.texts(rows))


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _rest(path: Path) -> Path:
    return path.with_suffix(".next")


def _count(path: Path) -> int:
    if not path.exists():
        return 0
    with path.open("rb") as file:
        return sum(1 for _ in file)
