"""`flowgrain land files`: CSV or Parquet files in the shape of the contract."""

import csv
import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.errors import FlowgrainError
from orchestration.home import Home
from orchestration.landing import derive, webhooks
from orchestration.landing.contract import Entity, entities
from orchestration.landing.door import DEMO, Counts, Door, Load

BATCH_ROWS = 100_000
LONGEST_FIELD = 1_000_000
CONNECTION = "files"


@dataclass
class Landed:
    """What one `land files` did, by entity."""

    counts: dict[str, Counts] = field(default_factory=dict)
    unchanged_files: list[str] = field(default_factory=list)
    ignored_files: list[str] = field(default_factory=list)
    dropped_columns: dict[str, list[str]] = field(default_factory=dict)
    made_key: bool = False


def land_files(
    home: Home,
    folder: Path,
    *,
    target: str = "dev",
    loaded_to: datetime | None = None,
    is_demo: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Landed:
    """Land every file of the contract in a folder.

    A file is one transaction, and one that came in before in the same form is skipped: so loading
    twice changes nothing, and a killed load goes on where it stopped. Raises FlowgrainError for
    what makes a file unreadable as a whole; single rows go to quarantine.
    """
    files = _files_of(folder)
    headers = {name: _check_columns(path, entities()[name]) for name, path in files.items()}
    mark = loaded_to or _loaded_to(folder, files)
    done = Landed(ignored_files=_ignored(folder))
    connection = DEMO if is_demo else CONNECTION
    with Door(home, "files", target=target, is_demo=is_demo) as door:
        done.made_key = door.made_key
        for alias, person in _identities(folder):
            door.people.declare(alias, person)
        for name, path in files.items():
            digest = _digest(path, mark)
            if door.has_landed(connection, digest):
                done.unchanged_files.append(path.name)
                continue
            say(f"{path.name} …")
            with door.load(connection, origin=path.name, loaded_to=mark, digest=digest) as load:
                _read(path, entities()[name], load)
                known = {*entities()[name].columns} | {f"{c}_is_bot" for c in headers[name]}
                if dropped := sorted(set(headers[name]) - known):
                    done.dropped_columns[path.name] = dropped
            for entity, counts in load.counts.items():
                done.counts.setdefault(entity, Counts()).add(counts)
        door.arrive(connection, loaded_to=mark)
    return done


def _files_of(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise FlowgrainError(f"{folder} is not a folder", "Give the folder that holds the files")
    found: dict[str, Path] = {}
    for name in entities():
        paths = [p for end in _ends(name) if (p := folder / f"{name}.{end}").exists()]
        if len(paths) > 1:
            raise FlowgrainError(
                f"{folder} has {name} twice, as {' and as '.join(p.suffix for p in paths)}",
                "Keep one of the two",
            )
        if paths:
            found[name] = paths[0]
    if not found:
        raise FlowgrainError(
            f"{folder} holds no file of the contract",
            f"Name files after entities, e.g. changes.csv; all names: {', '.join(entities())}",
        )
    return found


def _ends(name: str) -> tuple[str, ...]:
    return ("csv", "parquet", *(("jsonl",) if name in webhooks.TELL else ()))


def _ignored(folder: Path) -> list[str]:
    known = {f"{name}.{end}" for name in entities() for end in _ends(name)}
    known |= {"extract.csv", "identities.csv"}
    return sorted(p.name for p in folder.iterdir() if p.is_file() and p.name not in known)


def _check_columns(path: Path, entity: Entity) -> list[str]:
    """Names of the columns; a file without a needed one is refused before a row is read."""
    if path.suffix == ".jsonl":
        _start(path)
        return []
    header = _parquet(path).schema_arrow.names if path.suffix == ".parquet" else _header(path)
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise FlowgrainError(
            f"{path}: column {twice[0]} stands twice in the header", "Keep one of the two"
        )
    needed = [c.name for c in entity.columns.values() if c.required]
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        raise FlowgrainError(
            f"{path}: the header is one column", "Separate columns by commas and nothing else"
        )
    if missing := [name for name in needed if name not in header]:
        raise FlowgrainError(
            f"{path}: column {missing[0]} is missing",
            f"{entity.name} needs {', '.join(needed)}; see docs/contract/{entity.name}.md",
        )
    return header


def _parquet(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except OSError as error:
        raise FlowgrainError(
            f"{path} cannot be read ({error.strerror})", "Check its rights"
        ) from None
    except pa.ArrowException:
        raise FlowgrainError(f"{path} is no Parquet file", "Write it again, or give CSV") from None


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise FlowgrainError(
            f"{path} cannot be read ({error.strerror})", "Check its rights"
        ) from None
    if not start.strip():
        raise FlowgrainError(f"{path} is empty", "Give at least the line of column names")
    return start


def _header(path: Path) -> list[str]:
    start = _start(path)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in start.split(b"\n", 1)[0]:
        raise FlowgrainError(f"{path}: the header is not UTF-8 text", "Save the file as UTF-8")
    try:
        return next(csv.reader(_Lines(path)))
    except csv.Error:
        raise FlowgrainError(
            f"{path}: the header is no line of column names", "Write one, separated by commas"
        ) from None


class _Lines(Iterator[str]):
    """Physical lines of a file, which can be given back when a row turns out to be broken."""

    def __init__(self, path: Path) -> None:
        # Bytes that are no UTF-8 become surrogates, so that their row can be named.
        self._file = path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
        self._back: deque[str] = deque()
        self.taken: list[str] = []
        self.number = 0

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else next(self._file)
        self.number += 1
        self.taken.append(line)
        return line

    def give_back_all_but_first(self) -> None:
        """A quote that never closes must not swallow the rows after it."""
        rest = self.taken[1:]
        self._back.extendleft(reversed(rest))
        self.number -= len(rest)
        self.taken = self.taken[:1]


def _csv_rows(path: Path, load: Load, entity: Entity) -> Iterator[tuple[int, list[str]]]:
    """Rows of a CSV file with their line; what is no row goes to quarantine."""
    lines = _Lines(path)
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(lines)
    width = len(next(reader))
    while True:
        lines.taken = []
        first_line = lines.number + 1
        reason = None
        try:
            row = next(reader)
            if not row:
                continue
            if len(row) != width:
                reason = "wrong_number_of_fields"
            elif any("\udc80" <= c <= "\udcff" for text in row for c in text):
                reason = "not_utf8"
        except StopIteration:
            return
        except csv.Error:
            reason = "field_too_long"
        if reason is None:
            yield first_line, row
            continue
        if len(lines.taken) > 1:
            lines.give_back_all_but_first()
            reason = "quote_not_closed"
            reader = csv.reader(lines)
        load.quarantine(
            entity.name, row=first_line, field=None, reason=reason, payload="".join(lines.taken)
        )


def _read(path: Path, entity: Entity, load: Load) -> None:
    load.counts.setdefault(entity.name, Counts())
    if path.suffix == ".parquet":
        first = 1
        for batch in _parquet(path).iter_batches(BATCH_ROWS):
            table = pa.Table.from_batches([batch])
            _take(entity, load, table.append_column("_row", _numbers(first, table.num_rows)))
            first += table.num_rows
        return
    if path.suffix == ".jsonl":
        _read_webhooks(path, entity, load)
        return
    header = _header(path)
    rows = _csv_rows(path, load, entity)
    while batch_rows := list(islice(rows, BATCH_ROWS)):
        columns = list(zip(*(row for _, row in batch_rows), strict=True))
        table = pa.table(
            {
                name: pa.array(values, pa.string())
                for name, values in zip(header, columns, strict=True)
            }
        )
        numbers = pa.array([number for number, _ in batch_rows], pa.int64())
        _take(entity, load, table.append_column("_row", numbers))


def _read_webhooks(path: Path, entity: Entity, load: Load) -> None:
    lines = webhooks.read(path, entity.name)
    while batch := list(islice(lines, BATCH_ROWS)):
        rows = []
        for number, line, told in batch:
            if isinstance(told, str):
                load.quarantine(entity.name, row=number, field=None, reason=told, payload=line)
            else:
                rows += [{**row, "_row": number} for row in told]
        if rows:
            names = {name for row in rows for name in row} - {"_row"}
            kinds = [(name, pa.string()) for name in sorted(names)]
            schema = pa.schema([*kinds, ("_row", pa.int64())])
            load.rows(entity.name, pa.Table.from_pylist(rows, schema))


def _take(entity: Entity, load: Load, table: pa.Table) -> None:
    """Land a batch, and the tracker keys that its free text names."""
    load.rows(entity.name, table)
    if entity.name == "changes":
        links = _links(table)
        if links:
            load.dicts("change_work_items", links)


def _links(table: pa.Table) -> list[dict[str, object]]:
    names = [n for n in ("title", "branch", "body") if n in table.column_names]
    if not names:
        return []
    return [
        {
            "repository": str(row["repository"]),
            "change_id": str(row["change_id"]),
            "work_item_id": key,
            "_row": row["_row"],
        }
        for row in table.select(["repository", "change_id", "_row", *names]).to_pylist()
        if row["repository"] and row["change_id"]
        for key in derive.linked_work_items(row)
    ]


def _numbers(first: int, count: int) -> pa.Array:
    return pa.array(range(first, first + count), pa.int64())


def _loaded_to(folder: Path, files: dict[str, Path]) -> datetime:
    """The extract's own word, else when its newest file was written; never the newest event."""
    path = folder / "extract.csv"
    if not path.exists():
        newest = max(file.stat().st_mtime for file in files.values())
        return datetime.fromtimestamp(newest, UTC)
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


def _identities(folder: Path) -> list[tuple[str, str]]:
    path = folder / "identities.csv"
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        if not {"alias", "person"} <= set(reader.fieldnames or ()):
            raise FlowgrainError(f"{path} lacks a column", "It needs the columns alias, person")
        return [(row["alias"] or "", row["person"] or "") for row in reader]


def _digest(path: Path, mark: datetime) -> str:
    digest = hashlib.sha256(f"{path.name}|{mark.isoformat()}|".encode())
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
