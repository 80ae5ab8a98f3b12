"""What can be expected of a table, and how DuckDB counts its exceptions."""

from dataclasses import dataclass
from typing import Literal

import duckdb

Severity = Literal["error", "warning"]
# How many rows break a rule, and of how many.
Count = tuple[int, int]
NOT_ASKED: Count = (0, 0)
HAS_COLUMNS = "has_columns"


@dataclass(frozen=True)
class Rule:
    """One thing that is expected of a table, and how its exceptions are counted.

    `sql` gives two numbers: how many break it, and of how many; none means none of none. It fails
    from the share `threshold` on; without one, it allows no exception. `least_rows` is of how many
    a share is told at all.
    """

    name: str
    columns: tuple[str, ...]
    sql: str
    severity: Severity = "error"
    threshold: float | None = None
    least_rows: int = 0

    @property
    def measure(self) -> str:
        """Name of what is counted: the rule and what it is of."""
        return " ".join((self.name, *self.columns))

    @property
    def sentence(self) -> str:
        """What is expected, as a reader of the suite would say it."""
        what = f"{', '.join(self.columns) or 'the table'}: {self.name.replace('_', ' ')}"
        if self.threshold is None:
            return what
        return f"{what}; of a share of {self.threshold:g} or more not"


def counted(connection: duckdb.DuckDBPyConnection, of_table: list[Rule]) -> dict[str, Count]:
    """Count for each rule what breaks it, and of how many; each once, whatever its severities."""
    counts: dict[str, Count] = {}
    for rule in of_table:
        if rule.measure in counts:
            continue
        # Of a table without its columns nothing else can be asked.
        if counts.get(HAS_COLUMNS, NOT_ASKED)[0]:
            counts[rule.measure] = NOT_ASKED
            continue
        found = connection.execute(rule.sql).fetchone() or NOT_ASKED
        counts[rule.measure] = (int(found[0] or 0), int(found[1] or 0))
    return counts


def has_columns(schema: str, table: str, agreed: dict[str, str]) -> Rule:
    """Expect columns of these names and types, and count those that are missing or of another."""
    kinds = ", ".join(f"('{name}', '{kind.upper()}')" for name, kind in agreed.items())
    return Rule(
        HAS_COLUMNS,
        (),
        f"""
        select count(*) filter (where found.column_name is null), count(*)
        from (values {kinds}) as agreed (column_name, data_type)
        left join (
            select column_name, data_type from duckdb_columns()
            where schema_name = '{schema}' and table_name = '{table}'
        ) as found using (column_name, data_type)
        """,
    )


def has_key_once(table: str, key: tuple[str, ...]) -> Rule:
    """Expect of each key one row, and count those beyond."""
    columns = ", ".join(f'"{name}"' for name in key)
    sql = f"select count(*) - count(distinct row({columns})), count(*) from {table}"
    return Rule("has_key_once", key, sql)
