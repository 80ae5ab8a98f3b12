"""Tables of DevLake on their way through the door, whichever way they are read."""

from dataclasses import dataclass, field

import pyarrow as pa

from orchestration.landing import derive
from orchestration.landing.contract import Entity, entities
from orchestration.landing.devlake.rows import Accounts
from orchestration.landing.door import Door, Landing, Load, Say

# Ids of one DevLake mean nothing in another: there is one connection.
SOURCE = CONNECTION = "devlake"
# Made here, of what the text of a pull request names.
MENTIONS = "pull_request_mentions"
TABLES = {name: entity for name, entity in entities(SOURCE).items() if name != MENTIONS}


@dataclass
class Landed(Landing):
    """What one `land devlake` did, by table."""

    missing_tables: list[str] = field(default_factory=list)
    missing_columns: dict[str, list[str]] = field(default_factory=dict)


class Arrival:
    """What landing every table needs: the door, who was met, what was done."""

    def __init__(self, door: Door, say: Say) -> None:
        """Nothing is read or written yet."""
        self.door = door
        self.say = say
        self.accounts = Accounts(door.people)
        self.done = Landed(made_key=door.made_key)

    def readable(self, entity: Entity, there: set[str] | None) -> list[str]:
        """Columns to read of a table; none where this DevLake has not what it takes."""
        if there is None:
            self.done.missing_tables.append(entity.name)
            return []
        columns = entity.columns.values()
        needed = {column.reads for column in columns if column.required} | set(entity.only)
        missing = {column.reads for column in columns} | needed
        if missing := missing - there:
            self.done.missing_columns[entity.name] = sorted(missing)
        if needed & missing:
            self.done.missing_tables.append(entity.name)
            return []
        return [column.name for column in columns if column.reads in there]

    def take(self, load: Load, entity: Entity, table: pa.Table) -> None:
        """Land a batch, and the tracker keys that its text names."""
        if entity.name == "pull_requests":
            rows = [
                {
                    "_row": row["_row"],
                    "pull_request_id": row["id"],
                    "title": row.get("title"),
                    "body": row.get("description"),
                    "branch": row.get("head_ref"),
                    "account": (row.get("author_id"), row.get("author_name")),
                }
                for row in table.to_pylist()
            ]
            for row in rows:
                self.accounts.meet(*row.pop("account"))
            load.dicts(MENTIONS, derive.mentions(rows, "pull_request_id"))
        for name, column in entity.columns.items():
            if column.is_account and name in table.column_names:
                index = table.column_names.index(name)
                table = table.set_column(index, name, self.accounts.names(table[name]))
        load.rows(entity.name, table)
