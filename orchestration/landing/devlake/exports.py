"""From a folder of CSV or Parquet exports of DevLake's tables, each named after its table."""

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.landing.contract import Entity
from orchestration.landing.devlake.arrival import CONNECTION, TABLES, Arrival
from orchestration.landing.devlake.rows import ACCOUNTS, in_utc
from orchestration.landing.door import Counts
from orchestration.landing.tabular import (
    ENDS,
    batches,
    columns_of,
    digest_of,
    files_of,
    written_at,
)

KNOWN = {ACCOUNTS.name: ACCOUNTS, **TABLES}


def exports_of(folder: Path) -> dict[str, Path]:
    """Files of a folder by table. Raises FlowgrainError where it holds none, or one twice."""
    return files_of(folder, {name: ENDS for name in KNOWN}, "table of DevLake")


def land_exports(arrival: Arrival, files: dict[str, Path], loaded_to: datetime | None) -> None:
    """Land file by file; one that came in before in the same form is skipped."""
    mark = loaded_to or written_at(files)
    there = {name: set(columns_of(path)) for name, path in files.items()}
    plan = [name for name in TABLES if arrival.readable(TABLES[name], there.get(name))]
    digests = {name: digest_of(files[name], mark) for name in plan}
    news = [name for name in plan if not arrival.door.has_landed(CONNECTION, digests[name])]
    arrival.done.unchanged += [files[name].name for name in plan if name not in news]
    # Whose an account is must be known for every new row, also where that file is an old one.
    if news and ACCOUNTS.name in files:
        path = files[ACCOUNTS.name]
        with arrival.door.load(CONNECTION, origin=path.name, loaded_to=mark) as load:
            for table in batches(path, ACCOUNTS.name, load):
                arrival.accounts.meet_all(_ours(ACCOUNTS, table))
    for name in news:
        path, entity = files[name], TABLES[name]
        arrival.say(f"{path.name} …")
        with arrival.door.load(
            CONNECTION, origin=path.name, loaded_to=mark, digest=digests[name]
        ) as load:
            load.counts.setdefault(name, Counts())
            for table in batches(path, name, load):
                table = in_utc(arrival.door.scratch, entity, _ours(entity, table))
                arrival.take(load, entity, table)
        arrival.done.add(load)
    arrival.door.arrive(CONNECTION, loaded_to=mark)


def _ours(entity: Entity, table: pa.Table) -> pa.Table:
    """Rows that are read of an export, and its columns under our names."""
    for name, values in entity.only.items():
        table = table.filter(pc.is_in(table[name], pa.array(values)))
    ours = {column.reads: column.name for column in entity.columns.values()}
    names = [name for name in table.column_names if name in ours or name == "_row"]
    return table.select(names).rename_columns([ours.get(name, name) for name in names])
