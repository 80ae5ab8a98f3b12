"""CSV and Parquet files as tables of text and types; what is no row goes to quarantine."""

import csv
import hashlib
import io
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.errors import FlowgrainError
from orchestration.landing.door import Load

BATCH_ROWS = 100_000
ENDS = ("csv", "parquet")
LONGEST_FIELD = 1_000_000


def files_of(folder: Path, ends: Mapping[str, tuple[str, ...]], what: str) -> dict[str, Path]:
    """Files of a folder by what they hold: `ends` says how each may end, `what` what all are.

    Raises FlowgrainError where the folder holds none of them, or one in two forms.
    """
    if not folder.is_dir():
        raise FlowgrainError(f"{folder} is not a folder", "Give the folder that holds the files")
    found: dict[str, Path] = {}
    for name in ends:
        paths = [path for end in ends[name] if (path := folder / f"{name}.{end}").exists()]
        if len(paths) > 1:
            raise FlowgrainError(
                f"{folder} has {name} twice, as {' and as '.join(p.suffix for p in paths)}",
                "Keep one of the two",
            )
        if paths:
            found[name] = paths[0]
    if not found:
        names = ", ".join(ends)
        raise FlowgrainError(
            f"{folder} holds no {what}",
            f"Name files after what they hold, e.g. {next(iter(ends))}.csv; all names: {names}",
        )
    return found


def written_at(files: Mapping[str, Path]) -> datetime:
    """When the newest of some files was written."""
    return datetime.fromtimestamp(max(path.stat().st_mtime for path in files.values()), UTC)


def columns_of(path: Path) -> list[str]:
    """Names of a file's columns. Raises FlowgrainError where they cannot be told."""
    header = _parquet(path).schema_arrow.names if path.suffix == ".parquet" else _header(path)
    twice = [number for number, name in enumerate(header, 1) if name in header[: number - 1]]
    if twice:
        # By its number: without a header this is somebody's row.
        raise FlowgrainError(
            f"{path}: the name of column {twice[0]} stands twice in the header",
            "Keep one of the two; write a header if there is none",
        )
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        raise FlowgrainError(
            f"{path}: the header is one column", "Separate columns by commas and nothing else"
        )
    return header


def batches(path: Path, entity_name: str, load: Load) -> Iterator[pa.Table]:
    """A file's rows with their number in `_row`: the line of a CSV file, else counted from 1."""
    if path.suffix == ".parquet":
        first = 1
        for batch in _parquet(path).iter_batches(BATCH_ROWS):
            table = pa.Table.from_batches([batch])
            numbers = pa.array(range(first, first + table.num_rows), pa.int64())
            yield table.append_column("_row", numbers)
            first += table.num_rows
        return
    header = _header(path)
    rows = _csv_rows(path, load, entity_name)
    while batch_rows := list(islice(rows, BATCH_ROWS)):
        columns = list(zip(*(row for _, row in batch_rows), strict=True))
        table = pa.table(
            {
                name: pa.array(values, pa.string())
                for name, values in zip(header, columns, strict=True)
            }
        )
        numbers = pa.array([number for number, _ in batch_rows], pa.int64())
        yield table.append_column("_row", numbers)


def digest_of(path: Path, mark: datetime) -> str:
    """Digest of a file, its name and what it is loaded to: by it a delivery is known."""
    digest = hashlib.sha256(f"{path.name}|{mark.isoformat()}|".encode())
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _parquet(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except OSError as error:
        raise FlowgrainError(
            f"{path} cannot be read ({error.strerror})", "Check its rights"
        ) from None
    except pa.ArrowException:
        raise FlowgrainError(f"{path} is no Parquet file", "Write it again, or give CSV") from None


def start_of(path: Path) -> bytes:
    """First bytes of a file. Raises FlowgrainError where there are none, or no right to them."""
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
    start = start_of(path)
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


def _csv_rows(path: Path, load: Load, entity_name: str) -> Iterator[tuple[int, list[str]]]:
    """Rows of a CSV file with their line; what is no row goes to quarantine."""
    lines = _Lines(path)
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(lines)
    header = next(reader)
    while True:
        lines.taken = []
        first_line = lines.number + 1
        reason = None
        try:
            row = next(reader)
            if not row:
                continue
            reason = _why_not(row, header)
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
            entity_name,
            row=first_line,
            field=None,
            reason=reason,
            payload="".join(lines.taken),
            columns=header,
        )


def _why_not(row: list[str], header: list[str]) -> str | None:
    if len(row) != len(header):
        return "wrong_number_of_fields"
    return None if all(is_utf8(text) for text in row) else "not_utf8"


def is_utf8(text: str) -> bool:
    """Whether a text can be written down: a surrogate stands for what is no character."""
    return text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text)


def row_of(line: str, header: list[str]) -> dict[str, str] | None:
    """A line that was set aside, as it is read today; None where it is still no row."""
    csv.field_size_limit(LONGEST_FIELD)
    try:
        # Strict: alone, a quote that never closes would end with the line.
        rows = list(csv.reader(io.StringIO(line, newline=""), strict=True))
    except csv.Error:
        return None
    if len(rows) != 1 or _why_not(rows[0], header):
        return None
    return dict(zip(header, rows[0], strict=True))
