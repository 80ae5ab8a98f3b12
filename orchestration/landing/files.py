"""`flowgrain land files`: CSV or Parquet files in the shape of the contract."""

import csv
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

import pyarrow as pa

from orchestration.errors import FlowgrainError
from orchestration.home import Home
from orchestration.landing import derive, webhooks
from orchestration.landing.accounts import IDENTITIES, declare, read_accounts
from orchestration.landing.contract import Entity, entities
from orchestration.landing.door import DEMO, Counts, Door, Landing, Load, Say
from orchestration.landing.tabular import (
    BATCH_ROWS,
    ENDS,
    batches,
    columns_of,
    digest_of,
    files_of,
    start_of,
    written_at,
)

CONNECTION = "files"


@dataclass
class Landed(Landing):
    """What one `land files` did, by entity."""

    ignored_files: list[str] = field(default_factory=list)
    dropped_columns: dict[str, list[str]] = field(default_factory=dict)


def land_files(
    home: Home,
    folder: Path,
    *,
    target: str = "dev",
    loaded_to: datetime | None = None,
    is_demo: bool = False,
    say: Say = lambda line: None,
) -> Landed:
    """Land every file of the contract in a folder.

    A file is one transaction, and one that came in before in the same form is skipped: so loading
    twice changes nothing, and a killed load goes on where it stopped. Raises FlowgrainError for
    what makes a file unreadable as a whole; single rows go to quarantine.
    """
    files = files_of(folder, _ends(), "file of the contract")
    headers = {name: _check_columns(path, entities()[name]) for name, path in files.items()}
    mark = loaded_to or _loaded_to(folder, files)
    done = Landed(ignored_files=_ignored(folder))
    connection = DEMO if is_demo else CONNECTION
    with Door(home, "files", target=target, is_demo=is_demo) as door:
        done.made_key = door.made_key
        if (folder / IDENTITIES).exists():
            declare(door, read_accounts(folder / IDENTITIES))
        for name, path in files.items():
            digest = digest_of(path, mark)
            if door.has_landed(connection, digest):
                done.unchanged.append(path.name)
                continue
            say(f"{path.name} …")
            with door.load(connection, origin=path.name, loaded_to=mark, digest=digest) as load:
                _read(path, entities()[name], load)
                known = {*entities()[name].columns} | {f"{c}_is_bot" for c in headers[name]}
                if dropped := sorted(set(headers[name]) - known):
                    done.dropped_columns[path.name] = dropped
            done.add(load)
        door.arrive(connection, loaded_to=mark)
    return done


def _ends() -> dict[str, tuple[str, ...]]:
    return {name: (*ENDS, "jsonl") if name in webhooks.TELL else ENDS for name in entities()}


def _ignored(folder: Path) -> list[str]:
    known = {f"{name}.{end}" for name, ends in _ends().items() for end in ends}
    known |= {"extract.csv", IDENTITIES}
    return sorted(p.name for p in folder.iterdir() if p.is_file() and p.name not in known)


def _check_columns(path: Path, entity: Entity) -> list[str]:
    """Names of the columns; a file without a needed one is refused before a row is read."""
    if path.suffix == ".jsonl":
        start_of(path)
        return []
    header = columns_of(path)
    needed = [c.name for c in entity.columns.values() if c.required]
    if missing := [name for name in needed if name not in header]:
        raise FlowgrainError(
            f"{path}: column {missing[0]} is missing",
            f"{entity.name} needs {', '.join(needed)}; see docs/contract/{entity.name}.md",
        )
    return header


def _read(path: Path, entity: Entity, load: Load) -> None:
    load.counts.setdefault(entity.name, Counts())
    if path.suffix == ".jsonl":
        _read_webhooks(path, entity, load)
        return
    for table in batches(path, entity.name, load):
        take(entity, load, table)


def _read_webhooks(path: Path, entity: Entity, load: Load) -> None:
    lines = webhooks.read(path, entity.name)
    while batch := list(islice(lines, BATCH_ROWS)):
        rows: list[webhooks.Row] = []
        for number, line, told in batch:
            if isinstance(told, str):
                load.quarantine(entity.name, row=number, field=None, reason=told, payload=line)
                continue
            rows += [{**row, "_row": number} for row in told]
        take_webhooks(entity, load, rows)


def take_webhooks(entity: Entity, load: Load, told: list[webhooks.Row]) -> None:
    """Land what lines of webhooks tell, with the number of each line in `_row`."""
    rows: dict[str, list[webhooks.Row]] = {}
    for row in told:
        rows.setdefault(str(row.pop(webhooks.ENTITY, entity.name)), []).append(row)
    for name, of_entity in rows.items():
        load.rows(name, texts(of_entity))


def texts(rows: list[webhooks.Row]) -> pa.Table:
    """Rows whose values are text, and their number in `_row`."""
    columns = {column for row in rows for column in row} - {"_row"}
    kinds = [(column, pa.string()) for column in sorted(columns)]
    return pa.Table.from_pylist(rows, pa.schema([*kinds, ("_row", pa.int64())]))


def take(entity: Entity, load: Load, table: pa.Table) -> None:
    """Land a batch, and the tracker keys that its free text names."""
    load.rows(entity.name, table)
    if entity.name == "changes":
        names = {"repository", "change_id", "_row", "title", "branch", "body"}
        rows = table.select([name for name in table.column_names if name in names]).to_pylist()
        load.dicts("change_work_items", derive.mentions(rows, "repository", "change_id"))


def _loaded_to(folder: Path, files: dict[str, Path]) -> datetime:
    """The extract's own word, else when its newest file was written; never the newest event."""
    path = folder / "extract.csv"
    if not path.exists():
        return written_at(files)
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    try:
        moment = datetime.fromisoformat(rows[0]["loaded_to"])
    except (IndexError, KeyError, TypeError, ValueError):
        moment = datetime.min
    if moment.tzinfo is None:
        raise FlowgrainError(
            f"{path}: row 1, column loaded_to is no time with a zone",
            "Write it like 2026-03-31T00:00:00Z",
        )
    return moment
