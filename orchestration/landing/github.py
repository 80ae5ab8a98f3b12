"""`flowgrain land github`: pages of GitHub's REST API, as a collector keeps them.

A folder of CSV or Parquet files `_raw_github_api_<name>`, as DevLake's collector keeps them, a row
per object: `data` is the object, `input` what was asked for, `params.Name` the repository.
`github.yml` says which fields are read; models/vault/staging/github/ says what they mean.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestration.errors import FlowgrainError
from orchestration.home import Home
from orchestration.landing import derive
from orchestration.landing.contract import Entity, entities
from orchestration.landing.door import Counts, Door, Landing, Load, Say
from orchestration.landing.tabular import (
    ENDS,
    batches,
    columns_of,
    digest_of,
    files_of,
    is_utf8,
    written_at,
)

SOURCE = CONNECTION = "github"
MENTIONS = "pull_request_mentions"
PREFIX = "_raw_github_api_"
TABLES = {name: entity for name, entity in entities(SOURCE).items() if name != MENTIONS}
Row = dict[str, Any]
# What is raised by something that is no object of the API.
NO_OBJECT = (ValueError, TypeError, RecursionError)


def land_github(
    home: Home,
    folder: Path,
    *,
    target: str = "dev",
    loaded_to: datetime | None = None,
    say: Say = lambda line: None,
) -> Landing:
    """Land every file of pages in a folder; one that came in before in the same form is skipped.

    Raises FlowgrainError where the folder holds none, or a file has no column `data`; objects that
    cannot be read go to quarantine.
    """
    files = _pages(folder)
    mark = loaded_to or written_at(files)
    with Door(home, SOURCE, target=target) as door:
        done = Landing(made_key=door.made_key)
        for name, path in files.items():
            digest = digest_of(path, mark)
            if door.has_landed(CONNECTION, digest):
                done.unchanged.append(path.name)
                continue
            say(f"{path.name} …")
            with door.load(CONNECTION, origin=path.name, loaded_to=mark, digest=digest) as load:
                _land(load, TABLES[name], path)
            done.add(load)
        door.arrive(CONNECTION, loaded_to=mark)
    return done


def _pages(folder: Path) -> dict[str, Path]:
    files = files_of(folder, {f"{PREFIX}{name}": ENDS for name in TABLES}, "pages of GitHub")
    for path in files.values():
        if "data" not in columns_of(path):
            raise FlowgrainError(
                f"{path}: column data is missing", "It holds an object of the API in each row"
            )
    return {name.removeprefix(PREFIX): path for name, path in files.items()}


def _land(load: Load, entity: Entity, path: Path) -> None:
    load.counts.setdefault(entity.name, Counts())
    for table in batches(path, entity.name, load):
        rows = []
        for record in table.to_pylist():
            try:
                row = row_of(entity, record)
            except NO_OBJECT:
                number = record["_row"]
                load.quarantine(
                    entity.name, row=number, field="data", reason="not_json", payload=record
                )
                continue
            rows.append({**row, "_row": record["_row"]})
        take(entity, load, rows)


def take(entity: Entity, load: Load, rows: list[Row]) -> None:
    """Land objects of the API that were read, and the tracker keys that their text names."""
    _meet(load, rows)
    load.rows(entity.name, pa.Table.from_pylist(rows, _schema(entity)))
    if entity.name == "pull_requests":
        texts = [{**row, "branch": row["head_ref"]} for row in rows]
        load.dicts(MENTIONS, derive.mentions(texts, "repository", "number"))


def row_of(entity: Entity, record: Row) -> Row:
    """Fields of an object by their paths; an object that is none raises ValueError."""
    parts = {name: json.loads(record.get(name) or "null") for name in ("data", "input", "params")}
    if not isinstance(parts["data"], dict):
        raise ValueError
    row = {
        column.name: _text(_at(parts, column.path.split("."))) for column in entity.columns.values()
    }
    for column in entity.columns.values():
        if column.type == "person":
            kind = _at(parts, [*column.path.split(".")[:-1], "type"])
            row[f"{column.name}_is_bot"] = kind == "Bot"
    if entity.name == "pull_request_commits":
        row["email"] = _text(_at(parts, ["data", "commit", "author", "email"]))
        row["author"] = row["author"] or row["email"]
    if not all(is_utf8(text) for text in row.values() if isinstance(text, str)):
        raise ValueError
    return row


def _schema(entity: Entity) -> pa.Schema:
    """Everything as text, for the door to type; what is not named here is left out."""
    people = [column.name for column in entity.columns.values() if column.type == "person"]
    return pa.schema(
        [
            *((name, pa.string()) for name in entity.columns),
            *((f"{name}_is_bot", pa.bool_()) for name in people),
            ("_row", pa.int64()),
        ]
    )


def _at(value: Any, path: Iterable[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str | None:
    """Scalars as text; of a list of parents the number, of labels their names."""
    if isinstance(value, list):
        names = [item["name"] for item in value if isinstance(item, dict) and "name" in item]
        return ";".join(names) if names else str(len(value))
    return None if value is None or isinstance(value, dict) else str(value)


def _meet(load: Load, rows: list[Row]) -> None:
    """An account and the address that it commits under are one person."""
    for row in rows:
        if row.get("email") and row["author"]:
            load.door.people.join_own(row["email"], row["author"])
