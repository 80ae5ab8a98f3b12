"""The contract that every source is mapped to, read from contract.yml."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

FILE = Path(__file__).with_name("contract.yml")
SQL_TYPES = {"text": "varchar", "integer": "bigint", "boolean": "boolean", "timestamp": "timestamp"}


@dataclass(frozen=True)
class Column:
    """One column of an entity, as a file holds it."""

    name: str
    type: str
    description: str
    required: bool = False
    values: tuple[str, ...] = ()
    example: str = ""
    class_: str = ""

    @property
    def lands(self) -> bool:
        """Free text is read for what is derived of it and goes no further."""
        return self.type != "free_text"


@dataclass(frozen=True)
class Landed:
    """One column of a raw table; `source` names the contract column it comes from, if any."""

    name: str
    type: str
    class_: str
    description: str


@dataclass(frozen=True)
class Entity:
    """One canonical entity: a file of the contract, and a table in each source's raw schema."""

    name: str
    description: str
    key: tuple[str, ...]
    columns: dict[str, Column]
    derived: dict[str, Landed]
    version_column: str | None = None

    @property
    def landed(self) -> list[Landed]:
        """Columns of the raw table: allow-listed, people as keys, free text gone."""
        columns: list[Landed] = []
        for column in self.columns.values():
            if column.type == "person":
                columns += [
                    Landed(
                        f"{column.name}_key",
                        "text",
                        "person_key",
                        f"Key of a person. {column.description}",
                    ),
                    Landed(
                        f"{column.name}_is_bot",
                        "boolean",
                        "attr",
                        "True where the account is no human, by the source's flag or by "
                        "seeds/mapping/bot_patterns.csv.",
                    ),
                ]
            elif column.lands:
                columns.append(Landed(column.name, column.type, column.class_, column.description))
        return columns + list(self.derived.values())

    @property
    def landed_key(self) -> tuple[str, ...]:
        """The natural key in the raw table, where a person is its key."""
        return tuple(
            f"{name}_key" if self.columns[name].type == "person" else name for name in self.key
        )


@cache
def contract_version() -> int:
    """Version that each load records, so that a reader knows which contract wrote a row."""
    return int(yaml.safe_load(FILE.read_text())["version"])


@cache
def entities() -> dict[str, Entity]:
    """Every entity of the contract, in the order of the file."""
    document = yaml.safe_load(FILE.read_text())
    return {name: _entity(name, spec) for name, spec in document["entities"].items()}


def _entity(name: str, spec: dict) -> Entity:
    columns = {
        column: Column(
            name=column,
            type=options["type"],
            description=options["description"],
            required=options.get("required", False),
            values=tuple(options.get("values", ())),
            example=str(options.get("example", "")),
            class_=options.get("class", ""),
        )
        for column, options in spec["columns"].items()
    }
    derived = {
        column: Landed(column, options["type"], options["class"], options["description"])
        for column, options in spec.get("derived", {}).items()
    }
    return Entity(
        name=name,
        description=spec["description"],
        key=tuple(spec["key"]),
        columns=columns,
        derived=derived,
        version_column=spec.get("version_column"),
    )
