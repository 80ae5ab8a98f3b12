"""What each source may land: the contract, or the tables of a tool that has its own."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

# Sources, the one that knows most first, and the page that says what each may land.
SOURCES = {
    "files": "contract.yml",
    "github": "github.yml",
    "devlake": "devlake.yml",
    "git": "contract.yml",
}
SQL_TYPES = {
    "text": "varchar",
    "integer": "bigint",
    "number": "double",
    "boolean": "boolean",
    "timestamp": "timestamp",
    "quarter": "varchar",
}
# The greatest amount of a column that names none: sums of very many still fit their types.
MOST = {"integer": 10**9, "number": 10**12}


@dataclass(frozen=True)
class Column:
    """One column of an entity, as its source holds it.

    `class_` says what may be done with it (grain floor); `reads` is its name in the source where
    ours differs, `path` where it stands in an object of an API. Of a time that `is_week` only the
    Monday of its ISO week lands; one that `is_planned` may lie after the extract.
    """

    name: str
    type: str
    description: str
    required: bool = False
    values: tuple[str, ...] = ()
    most: float | None = None
    most_twice: str = ""
    example: str = ""
    class_: str = ""
    reads: str = ""
    path: str = ""
    is_account: bool = False
    is_signed: bool = False
    is_week: bool = False
    is_planned: bool = False

    @property
    def lands(self) -> bool:
        """Free text is read for what is derived of it and goes no further."""
        return self.type != "free_text"


@dataclass(frozen=True)
class LandedColumn:
    """One column of a raw table."""

    name: str
    type: str
    class_: str
    description: str


@dataclass(frozen=True)
class Entity:
    """One table of a source's raw schema; of the contract, also a file.

    `derived_by` names the function of `derive` that makes the derived columns; `only` the values
    of a column whose rows are read, and no others.
    """

    name: str
    description: str
    key: tuple[str, ...]
    columns: dict[str, Column]
    derived: dict[str, LandedColumn]
    derived_by: str = ""
    version_column: str | None = None
    only: dict[str, list[str]] = field(default_factory=dict)

    @property
    def landed(self) -> list[LandedColumn]:
        """Columns of the raw table: allow-listed, people as keys, free text gone."""
        columns: list[LandedColumn] = []
        for column in self.columns.values():
            if column.type == "person":
                columns += [
                    LandedColumn(
                        f"{column.name}_key",
                        "text",
                        "person_key",
                        f"Key of a person. {column.description}",
                    ),
                    LandedColumn(
                        f"{column.name}_is_bot",
                        "boolean",
                        "attr",
                        "True where the account is no human, by the source's flag or by "
                        "seeds/mapping/bot_patterns.csv.",
                    ),
                ]
            elif column.lands:
                columns.append(
                    LandedColumn(
                        column.name,
                        "text" if column.type == "quarter" else column.type,
                        column.class_,
                        column.description,
                    )
                )
        return columns + list(self.derived.values())

    @property
    def landed_key(self) -> tuple[str, ...]:
        """The natural key in the raw table, where a person is its key."""
        return tuple(
            f"{name}_key" if name in self.columns and self.columns[name].type == "person" else name
            for name in self.key
        )


@cache
def contract_version(source: str = "files") -> int:
    """Version that each load records, so that a reader knows which contract wrote a row."""
    return int(_document(SOURCES[source])["version"])


@cache
def entities(source: str = "files") -> dict[str, Entity]:
    """Every entity that a source may land, in the order of its page; by default the contract's."""
    document = _document(SOURCES[source])
    return {name: _entity(name, spec) for name, spec in document["entities"].items()}


@cache
def _document(name: str) -> dict:
    return yaml.safe_load(Path(__file__).with_name(name).read_text(encoding="utf-8"))


def _entity(name: str, spec: dict) -> Entity:
    columns = {
        column: Column(
            name=column,
            type=options["type"],
            description=options["description"],
            required=options.get("required", False),
            values=tuple(options.get("values", ())),
            most=options.get("most", MOST.get(options["type"])),
            most_twice=options.get("most_twice", ""),
            example=str(options.get("example", "")),
            class_=options.get("class", ""),
            reads=options.get("reads", column),
            path=options.get("path", ""),
            is_account=options.get("account", False),
            is_signed=options.get("signed", False),
            is_week=options.get("week", False),
            is_planned=options.get("planned", False),
        )
        for column, options in spec["columns"].items()
    }
    derived = {
        column: LandedColumn(column, options["type"], options["class"], options["description"])
        for column, options in spec.get("derived", {}).items()
    }
    return Entity(
        name=name,
        description=spec["description"],
        key=tuple(spec["key"]),
        columns=columns,
        derived=derived,
        derived_by=spec.get("derived_by", ""),
        version_column=spec.get("version_column"),
        only=spec.get("only", {}),
    )
