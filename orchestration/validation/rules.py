"""What is expected of a landed entity: what its contract says, and what no contract can say."""

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

import yaml

from orchestration.errors import FlowgrainError
from orchestration.home import PROJECT
from orchestration.landing.contract import SOURCES, SQL_TYPES, Column, Entity, entities
from orchestration.landing.door import LONGEST_TEXT, QUARTER
from orchestration.validation.counting import Rule, Severity, has_columns, has_key_once

Settings = Mapping[str, Any]
Thresholds = Mapping[Severity, float]

SETTINGS = Path(__file__).with_name("expectations.yml")
# What a setting may be, and what that is called.
KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (dict, "a group of settings"),
    (list, "a list of words"),
    ((int, float), "a number"),
    (str, "a word"),
)
# Tables of one column `value`, which hold what the organisation's seeds know.
SEEDED = "seeded_{seed}_{column}"
# Loads of an entity with their places, 0 the newest of the source: also where it came without this
# entity, for what it is loaded to holds of all. Of a delivery that came again the last counts.
LOADS = """
select loads.place, counts.rows_read, counts.rows_quarantined
from (
    select load_id, connection, origin, {place} as place
    from door.loads
    where source = '{source}'
) as loads
inner join door.load_counts as counts using (load_id)
where counts.entity = '{entity}'
{last}
"""
BY_DELIVERY = {
    "place": "dense_rank() over (order by loaded_to desc) - 1",
    "last": "qualify row_number() over (partition by connection, origin, place "
    "order by load_id desc) = 1",
}
BY_WEEK = {
    "place": "cast(floor(epoch(max(loaded_to) over () - loaded_to) / 604800) as bigint)",
    "last": "",
}
# The rows that are missing or too many, and the usual number.
VOLUME = """
with places as (
    select place, sum(rows_read) as row_count
    from ({loads})
    where place <= {back}
    group by place
),
beside as (
    select
        coalesce(sum(row_count) filter (where place = 0), 0) as newest,
        median(row_count) filter (where place > 0) as usual
    from places
    having count(*) filter (where place > 0) >= {at_least}
)
select cast(round(greatest({difference}, 0)) as bigint), cast(round(usual) as bigint) from beside
"""


def settings() -> Settings:
    """What `expectations.yml` says, and over it the file that FLOWGRAIN_EXPECTATIONS names.

    Raises FlowgrainError where that is no file of settings.
    """
    ours = _document(SETTINGS)
    if not (path := os.environ.get("FLOWGRAIN_EXPECTATIONS")):
        return ours
    own = _document(PROJECT / path)
    if unknown := sorted(set(own) - set(ours), key=str):
        raise FlowgrainError(
            f"{path}: there is no setting {unknown[0]}", f"Write one of {', '.join(ours)}"
        )
    _refuse_other_kinds(path, ours, own)
    return _merged(ours, own)


@cache
def _document(path: Path) -> Settings:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise FlowgrainError(
            f"FLOWGRAIN_EXPECTATIONS: {path} cannot be read ({type(error).__name__})",
            f"Name a file of YAML that is written as {SETTINGS.name}",
        ) from None
    if not isinstance(document, dict):
        raise FlowgrainError(
            f"FLOWGRAIN_EXPECTATIONS: {path} holds no settings", f"Write it as {SETTINGS.name}"
        )
    return document


def _refuse_other_kinds(path: str, ours: Settings, own: Settings, within: str = "") -> None:
    """Raise FlowgrainError where a value is not of the kind that ours is, however deep."""
    for name, said in own.items():
        # What ours does not name is as what stands beside it there; what is accepted is a list.
        beside = ours.get(name, next(iter(ours.values()), []))
        kind, words = next((k, w) for k, w in KINDS if isinstance(beside, k))
        is_word = isinstance(name, str) and not isinstance(said, bool)
        is_list = isinstance(said, list)
        is_endless = isinstance(said, float) and not math.isfinite(said)
        if (
            not (is_word and isinstance(said, kind))
            or (is_list and not all(isinstance(word, str) for word in said))
            or is_endless
        ):
            raise FlowgrainError(
                f"{path}: {within}{name} is not {words}",
                f"Write it as {SETTINGS.name} and examples/expectations.yml do",
            )
        if isinstance(said, dict):
            _refuse_other_kinds(path, beside, said, f"{within}{name}: ")


def _file() -> str:
    """The file that a slip stands in, as far as is known."""
    return os.environ.get("FLOWGRAIN_EXPECTATIONS") or SETTINGS.name


def _merged(ours: Settings, own: Settings) -> Settings:
    """Ours, but for what their own say, however deep."""
    both = {
        name: _merged(ours[name], said)
        if isinstance(said, dict) and isinstance(ours.get(name), dict)
        else said
        for name, said in own.items()
    }
    return {**ours, **both}


def rules(source: str, entity: Entity, said: Settings | None = None) -> list[Rule]:
    """Everything expected of an entity; `said` stands for the settings where it is given.

    Raises FlowgrainError where the settings name what the contract does not have.
    """
    said = settings() if said is None else said
    of_contract = list(_of_contract(source, entity))
    beyond = [
        *_of_volume(source, entity, said["volume"], said["least_rows"]),
        *_of_rows(source, entity, said),
    ]
    every = (*of_contract, *beyond)
    accepted = _accepted(said, f"{source}.{entity.name}", {rule.measure for rule in every})
    return [
        replace(rule, severity="warning") if rule.measure in accepted else rule for rule in every
    ]


def digest(source: str, said: Settings | None = None) -> str:
    """Tell one state of what is expected of a source from another."""
    expected = [rules(source, entity, said) for entity in entities(source).values()]
    return sha256(repr(expected).encode()).hexdigest()


def _accepted(said: Settings, table: str, known: set[str]) -> set[str]:
    tables = {f"{source}.{name}" for source in SOURCES for name in entities(source)}
    names = set(said["accepted"].get(table, ()))
    if unknown := sorted({*(set(said["accepted"]) - tables), *(names - known)}):
        raise FlowgrainError(
            f"{_file()}: accepted: there is no {unknown[0]}",
            "Name tables as files.changes, and expectations as `flowgrain validate` prints them",
        )
    return names


def seeded(said: Settings | None = None) -> dict[str, tuple[str, str]]:
    """Seeds that names are held against: name of the table, file and column."""
    said = settings() if said is None else said
    names = said["mapped"]["columns"].values()
    if wrong := [name for name in names if name.count(".") != 1]:
        raise FlowgrainError(
            f"{_file()}: mapped: {wrong[0]} is no column of a seed", "Write it as seed.column"
        )
    pairs = (name.split(".") for name in names)
    return {SEEDED.format(seed=s, column=c): (s, c) for s, c in pairs}


def _of_contract(source: str, entity: Entity) -> Iterator[Rule]:
    """What the door enforces row by row, asked of the rows that are in."""
    table = f'raw_{source}."{entity.name}"'
    yield has_columns(
        f"raw_{source}", entity.name, {c.name: SQL_TYPES[c.type] for c in entity.landed}
    )
    yield has_key_once(table, entity.landed_key)
    for column in entity.columns.values():
        yield from _of_column(table, entity, column)


def _of_column(table: str, entity: Entity, column: Column) -> Iterator[Rule]:
    def rule(name: str, broken: str, *others: str) -> Rule:
        sql = f"select count(*) filter (where {broken}), count(*) from {table}"
        return Rule(name, (column.name, *others), sql)

    value = f'"{column.name}"'
    if column.type == "person":
        # An account that is nobody's lands without a key, unless the key is the row's.
        if column.name in entity.key:
            key = f"{column.name}_key"
            yield replace(rule("is_given", f'"{key}" is null'), columns=(key,))
        return
    if not column.lands:
        return
    if column.required:
        yield rule("is_given", f"{value} is null")
    if column.type == "timestamp":
        if not column.is_planned:
            sql = f"""
            select count(*) filter (where {value} > loads.loaded_to), count({value})
            from {table} as landed left join door.loads as loads on landed._load_id = loads.load_id
            """
            yield Rule("is_not_after_its_extract", (column.name,), sql)
        if column.is_week:
            yield rule("is_a_monday", f"{value} <> date_trunc('week', {value})")
    elif column.type in ("integer", "number"):
        if column.type == "number":
            yield rule("is_finite", f"not isfinite({value})")
        if not column.is_signed:
            yield rule("is_not_negative", f"{value} < 0")
        within = f"between -{column.most} and {column.most}"
        yield rule("is_not_too_large", f"{value} not {within}")
        if column.most_twice:
            broken = f'{value} > 2 * "{column.most_twice}"'
            yield rule("is_at_most_twice", broken, column.most_twice)
        if column.values:
            known = ", ".join(str(value) for value in column.values)
            yield rule("is_of_the_list", f"{value} not in ({known})")
    elif column.type == "quarter":
        yield rule("is_a_quarter", f"not regexp_full_match({value}, '{QUARTER}')")
    elif column.type == "text":
        broken = f"length({value}) > {LONGEST_TEXT} or contains({value}, chr(0))"
        yield rule("is_plain_text", broken)
        if column.values:
            known = ", ".join(f"'{value}'" for value in column.values)
            yield rule("is_of_the_list", f"{value} not in ({known})")


def _by_threshold(rule: Rule, thresholds: Thresholds, least_rows: int) -> list[Rule]:
    if unknown := set(thresholds) - set(get_args(Severity)):
        raise FlowgrainError(
            f"{_file()}: there is no severity {min(unknown)}", "Write warning or error"
        )
    return [
        replace(rule, severity=severity, threshold=threshold, least_rows=least_rows)
        for severity, threshold in thresholds.items()
    ]


def _loads(source: str, entity: Entity, said: Settings) -> str:
    order = BY_WEEK if source in said["increments"] else BY_DELIVERY
    return LOADS.format(source=source, entity=entity.name, **order)


def _of_volume(source: str, entity: Entity, said: Settings, least_rows: int) -> Iterator[Rule]:
    loads = _loads(source, entity, said)
    changes = {
        "has_no_fewer_rows_than_usual": ("drop", "usual - newest"),
        "has_no_more_rows_than_usual": ("surge", "newest - usual"),
    }
    for name, (word, difference) in changes.items():
        sql = VOLUME.format(
            loads=loads, back=said["loads"], at_least=said["at_least"], difference=difference
        )
        yield from _by_threshold(Rule(name, (), sql), said[word], least_rows)


def _of_rows(source: str, entity: Entity, said: Settings) -> Iterator[Rule]:
    table = f'raw_{source}."{entity.name}"'
    page = Path(SOURCES[source]).stem
    least_rows = said["least_rows"]
    columns = {column.name for column in entity.landed}

    def told(name: str) -> Any:
        return said[name]["columns"].get(page, {}).get(entity.name, ())

    def each(name: str, rule: Rule, thresholds: Thresholds) -> list[Rule]:
        if unknown := set(rule.columns) - columns:
            raise FlowgrainError(
                f"{_file()}: {name} of {page}.{entity.name}: there is no {min(unknown)}",
                f"Name a column of {SOURCES[source]} as it lands",
            )
        return _by_threshold(rule, thresholds, least_rows)

    loads = _loads(source, entity, said["volume"])
    sql = f"select sum(rows_quarantined), sum(rows_read) from ({loads}) where place = 0"
    yield from each("quarantined", Rule("is_readable", (), sql), said["quarantined"])
    for pair in told("ordered"):
        first, _, second = pair.partition(" <= ")
        if not second:
            raise FlowgrainError(
                f"{_file()}: ordered of {page}.{entity.name}: {pair} is no order",
                "Write it as opened_at <= merged_at",
            )
        sql = f"""
        select count(*) filter (where "{first}" > "{second}"), count(*)
        from {table} where "{first}" is not null and "{second}" is not null
        """
        rule = Rule("is_in_order", (first, second), sql)
        yield from each("ordered", rule, said["ordered"]["thresholds"])
    for parent, pairs in (told("covered") or {}).items():
        yield from each(
            "covered",
            _covered(source, table, entity, parent, [p.split(" = ") for p in pairs]),
            said["covered"]["thresholds"],
        )
    for column, known in said["mapped"]["columns"].items():
        if column in columns:
            seed = SEEDED.format(seed=known.split(".")[0], column=known.split(".")[1])
            sql = f"""
            select count(*) filter (where "{column}" not in (select value from {seed})), count(*)
            from {table} where "{column}" is not null
            """
            rule = Rule("is_mapped", (column,), sql)
            yield from each("mapped", rule, said["mapped"]["thresholds"])
    if same := told("unique"):
        times = [c.name for c in entity.landed if c.name in same and c.type == "timestamp"]
        given = " and ".join(f'"{name}" is not null' for name in times) or "true"
        listed = ", ".join(f'"{name}"' for name in same)
        sql = (
            f"select count(*) - count(distinct row({listed})), count(*) from {table} where {given}"
        )
        rule = Rule("is_told_once", tuple(same), sql)
        yield from each("unique", rule, said["unique"]["thresholds"])


def _covered(source: str, table: str, entity: Entity, parent: str, pairs: list[list[str]]) -> Rule:
    """A row that names something which has not landed; of none where nothing of it has."""
    of_parent = entities(source).get(parent)
    known = {column.name for column in of_parent.landed} if of_parent else set()
    if unknown := [pair[-1] for pair in pairs if pair[-1] not in known]:
        raise FlowgrainError(
            f"{_file()}: covered of {entity.name}: {parent} has no {unknown[0]}",
            f"Name an entity of {SOURCES[source]} and its columns",
        )
    named = " and ".join(f'child."{pair[0]}" is not null' for pair in pairs)
    same = " and ".join(f'child."{pair[0]}" = parent."{pair[-1]}"' for pair in pairs)
    sql = f"""
    select count(*) filter (
        where not exists (select 1 from raw_{source}."{parent}" as parent where {same})
    ), count(*)
    from {table} as child
    where {named} and exists (select 1 from raw_{source}."{parent}")
    """
    return Rule(f"is_among_{parent}", tuple(pair[0] for pair in pairs), sql)
