"""Models run on DuckDB, PostgreSQL 15 and Spark, and give the same rows twice: no dialect slips in.

Read from what dbt compiled. What differs between engines is written by dispatched macros alone
(percentile, seconds_between, to_utc) and by dbt's own (date_spine, dateadd, date_trunc); their
output on DuckDB is known here by its shape and let through.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlglot
from conftest import Lab
from sqlglot import ErrorLevel, exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from orchestration.floor_guard.taint import FUNCTIONS

Schema = dict[str, Any]

# Functions that mean the same in all three engines: the gate's list, which is no longer than that.
# Add to it what you have looked up in each. The macro percentile writes the last.
ALLOWED = FUNCTIONS - {"percentile_cont"}
# Refused with the reason, where the reason is not simply that another engine lacks it.
REASONS = {
    "any_value": "its answer depends on the order of rows",
    "first": "its answer depends on the order of rows",
    "last": "its answer depends on the order of rows",
    "first_value": "its answer depends on the order of rows where they tie",
    "group_concat": "string_agg depends on the order of rows",
    "array_agg": "list depends on the order of rows",
    "list": "it depends on the order of rows",
    "arg_max": "ties are broken by chance",
    "arg_min": "ties are broken by chance",
    "current_timestamp": "the clock of the data counts, not the machine's",
    "current_date": "the clock of the data counts, not the machine's",
    "now": "the clock of the data counts, not the machine's",
    "rand": "chance",
    "percentile_cont": "the macro percentile writes it",
    "date_diff": "it counts boundaries in one engine and days in another: seconds_between",
    "explode": "unnest has another shape in each engine",
}
NOW = re.compile(r"\b(now|current_date|current_timestamp|localtimestamp|today)\b", re.I)
TEMPORAL = (*exp.DataType.TEMPORAL_TYPES,)
DOUBLES = (exp.DataType.Type.DOUBLE, exp.DataType.Type.FLOAT)
WHOLE = (*exp.DataType.INTEGER_TYPES,)
# Macros of dbt-duckdb whose output has no better mark.
SPINE = "rawdata"


def dispatched(node: exp.Expression) -> bool:
    """Whether this is what a dispatched macro wrote, which has a line for each engine."""
    if isinstance(node, exp.PercentileCont):
        return isinstance(node.parent, exp.WithinGroup)
    if isinstance(node, exp.Extract) and node.this.name.lower() == "epoch":
        # seconds_between: cast(floor(extract(epoch …)) - floor(extract(epoch …)) as bigint)
        cut, parent = node.parent, node.parent.parent
        return (
            isinstance(cut, exp.Floor)
            and isinstance(parent, exp.Sub)
            and isinstance(parent.left, exp.Floor)
            and isinstance(parent.right, exp.Floor)
            and isinstance(parent.parent, exp.Cast)
        )
    if isinstance(node, exp.GenerateSeries):
        holder = node.find_ancestor(exp.CTE)
        return holder is not None and holder.alias == SPINE
    return False


def name_of(node: exp.Func) -> str:
    """The name of a function as it is written."""
    return node.name.lower() if isinstance(node, exp.Anonymous) else node.sql_name().lower()


def forbidden_clauses(tree: exp.Expression) -> Iterator[str]:
    """Clauses that one engine has."""
    if tree.find(exp.Qualify):
        yield "QUALIFY: number the rows in a CTE and filter it"
    for group in tree.find_all(exp.Group):
        if group.args.get("all"):
            yield "GROUP BY ALL: name the columns"
    for star in tree.find_all(exp.Star):
        if any(star.args.get(key) for key in ("except_", "except", "replace", "rename")):
            yield "* EXCLUDE or REPLACE: list the columns"
    for join in tree.find_all(exp.Join):
        if (join.args.get("method") or "").upper() in ("ASOF", "NATURAL", "POSITIONAL"):
            yield f"{join.args['method']} JOIN: write the condition"
        if (join.args.get("side") or "").upper() in ("SEMI", "ANTI") or (
            join.args.get("kind") or ""
        ).upper() in ("SEMI", "ANTI"):
            yield "SEMI or ANTI JOIN: write the condition"
    for distinct in tree.find_all(exp.Distinct):
        if distinct.args.get("on"):
            yield "DISTINCT ON: number the rows"
    for kind, text in (
        (exp.Lambda, "a lambda"),
        (exp.Bracket, "an index"),
        (exp.Array, "a list"),
        (exp.Struct, "a struct"),
        (exp.TableSample, "a sample"),
        (exp.ILike, "ILIKE: compare lower()"),
        (exp.IntDiv, "//: floor() of a division"),
        (exp.Pivot, "PIVOT"),
    ):
        if tree.find(kind):
            yield text
    for zoned in tree.find_all(exp.AtTimeZone):
        outer = zoned.parent if isinstance(zoned.parent, exp.AtTimeZone) else None
        inner = zoned.this.unnest() if isinstance(zoned.this, exp.Paren) else zoned.this
        if outer is None and not isinstance(inner, exp.AtTimeZone):
            if not zoned.find_ancestor(exp.AtTimeZone):
                yield "AT TIME ZONE: to_utc"


def forbidden_functions(tree: exp.Expression) -> Iterator[str]:
    """Functions that are not in all engines, or not the same, or not the same twice."""
    for node in tree.find_all(exp.Func):
        name = name_of(node)
        if isinstance(node, exp.Extract):
            if not dispatched(node) and node.this.name.lower() != "year":
                yield f"extract({node.this.name.lower()}): seconds_between"
        elif name not in ALLOWED and not dispatched(node):
            yield f"{name}: {REASONS.get(name, 'not on the list of functions')}"
    for column in tree.find_all(exp.Column):
        if not column.table and NOW.fullmatch(column.name):
            yield f"{column.name}: {REASONS['current_timestamp']}"


def is_fractional(node: exp.Expression) -> bool:
    """Whether a side of a division cannot be whole."""
    if isinstance(node, exp.Literal):
        return not node.is_string and "." in node.this
    if isinstance(node, exp.Cast):
        return node.to.this in (*DOUBLES, exp.DataType.Type.DECIMAL)
    if isinstance(node, (exp.Sqrt, exp.Exp, exp.Ln, exp.Pow)):
        return True
    if isinstance(node, (exp.Paren, exp.Neg)):
        return is_fractional(node.this)
    if isinstance(node, exp.Nullif):
        return is_fractional(node.this)
    if isinstance(node, (exp.Greatest, exp.Least)):
        return any(is_fractional(side) for side in (node.this, *node.expressions))
    if isinstance(node, (exp.Add, exp.Sub, exp.Mul, exp.Div)):
        return is_fractional(node.left) or is_fractional(node.right)
    kind = node.type.this if node.type else None
    return kind in (*DOUBLES, exp.DataType.Type.DECIMAL)


def forbidden_arithmetic(tree: exp.Expression) -> Iterator[str]:
    """Division and subtraction that mean something else elsewhere; sums that are not exact."""
    for division in tree.find_all(exp.Div):
        if not is_fractional(division.left) and not is_fractional(division.right):
            yield f"{division.sql()}: whole numbers may be cut; write * 1.0"
    for difference in tree.find_all(exp.Sub):
        kinds = [
            side.unnest().type.this if side.unnest().type else None
            for side in (difference.left, difference.right)
        ]
        if all(kind in TEMPORAL for kind in kinds):
            yield f"{difference.sql()}: seconds_between"
    for total in tree.find_all(exp.Sum, exp.Avg):
        kind = total.this.type.this if total.this.type else None
        if kind in DOUBLES or (isinstance(total, exp.Avg) and kind not in (*WHOLE,)):
            yield f"{total.sql()}: doubles add up differently in another order; sum decimals"


def faults(sql: str, schema: Schema | None = None) -> list[str]:
    """Everything that keeps a query from running, and giving the same, everywhere."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    found = [*forbidden_clauses(tree), *forbidden_functions(tree)]
    if "::" in sql:
        found.append(":: is no cast in every engine: cast()")
    for engine in ("postgres", "spark"):
        try:
            sqlglot.transpile(sql, read="duckdb", write=engine, unsupported_level=ErrorLevel.RAISE)
        except SqlglotError as error:
            found.append(f"{engine} has no such thing: {error}")
    try:
        # PostgreSQL knows no alias beside the one it defines, so that one is not found there.
        resolved = qualify(tree, dialect="postgres", schema=schema, expand_alias_refs=False)
    except SqlglotError as error:
        return [*found, f"a column that is no input, maybe an alias used beside itself: {error}"]
    return [*found, *forbidden_arithmetic(annotate_types(resolved, schema=schema))]


@pytest.fixture(scope="module")
def schema(lab: Lab) -> Schema:
    """Types of everything that models read."""
    with lab.vault() as connection:
        rows = connection.execute(
            """
            select table_catalog, table_schema, table_name, column_name, data_type
            from information_schema.columns
            where table_catalog = current_database()
            """
        ).fetchall()
    known: Schema = {}
    for catalog, folder, table, column, kind in rows:
        known.setdefault(catalog, {}).setdefault(folder, {}).setdefault(table, {})[column] = kind
    return known


def test_every_model_is_portable_and_deterministic(lab: Lab, schema: Schema) -> None:
    """One list of all faults, by model, so that they can be put right together."""
    found = {name: faults(node["compiled_code"], schema) for name, node in lab.models.items()}
    assert {name: texts for name, texts in found.items() if texts} == {}


TABLE: Schema = {
    "vault": {
        "main": {
            "t": {
                "grain_key": "varchar",
                "whole": "bigint",
                "other": "bigint",
                "inexact": "double",
                "exact": "decimal(18, 2)",
                "begun_at": "timestamp",
                "ended_at": "timestamp",
                "day": "date",
            }
        }
    }
}


@pytest.mark.parametrize(
    ("select", "word"),
    [
        (
            "select whole from vault.main.t qualify row_number() over (order by whole) = 1",
            "QUALIFY",
        ),
        ("select grain_key, count(*) as n from vault.main.t group by all", "GROUP BY ALL"),
        ("select * exclude (whole) from vault.main.t", "EXCLUDE"),
        ("select * replace (1 as whole) from vault.main.t", "REPLACE"),
        ("select t.whole from vault.main.t asof join vault.main.t as u using (begun_at)", "ASOF"),
        ("select distinct on (grain_key) whole from vault.main.t", "DISTINCT ON"),
        ("select any_value(whole) as one from vault.main.t", "any_value"),
        ("select max_by(whole, other) as one from vault.main.t", "arg_max"),
        ("select min_by(whole, other) as one from vault.main.t", "arg_min"),
        ("select arg_max(whole, other) as one from vault.main.t", "arg_max"),
        ("select arg_min(whole, other) as one from vault.main.t", "arg_min"),
        ("select list(whole) as every from vault.main.t", "list"),
        ("select array_agg(whole) as every from vault.main.t", "array_agg"),
        ("select string_agg(grain_key, ',') as every from vault.main.t", "group_concat"),
        ("select first(whole) as one from vault.main.t", "first"),
        ("select last(whole) as one from vault.main.t", "last"),
        ("select whole * 2 as twice, twice + 1 as more from vault.main.t", "alias"),
        ("select whole / other as share from vault.main.t", "1.0"),
        ("select sum(whole) / count(*) as mean from vault.main.t", "1.0"),
        ("select 1 / 2 as half", "1.0"),
        ("select now() as moment", "clock of the data"),
        ("select current_date as day", "clock of the data"),
        ("select current_timestamp as moment", "clock of the data"),
        ("select random() as chance", "rand"),
        ("select ended_at - begun_at as lasting from vault.main.t", "seconds_between"),
        ("select (ended_at) - begun_at as lasting from vault.main.t", "seconds_between"),
        ("select day - cast('2026-01-01' as date) as days from vault.main.t", "seconds_between"),
        ("select date_diff('hour', begun_at, ended_at) as hours from vault.main.t", "date"),
        ("select extract(epoch from begun_at) as moment from vault.main.t", "epoch"),
        ("select extract(dow from begun_at) as weekday from vault.main.t", "extract"),
        ("select unnest([1, 2]) as number", "unnest"),
        ("select [1, 2] as numbers", "a list"),
        ("select begun_at at time zone 'Europe/Berlin' as local from vault.main.t", "to_utc"),
        ("select quantile_cont(whole, 0.5) as median from vault.main.t", "macro percentile"),
        ("select median(whole) as middle from vault.main.t", "median"),
        ("select approx_quantile(whole, 0.5) as middle from vault.main.t", "quantile"),
        ("select sum(inexact) as total from vault.main.t", "sum decimals"),
        ("select avg(inexact) as mean from vault.main.t", "sum decimals"),
        ("select sum(whole / 3600.0 * inexact) as total from vault.main.t", "sum decimals"),
        ("select whole::varchar as text from vault.main.t", "cast()"),
        ("select 7 // 2 as half", "//"),
        ("select grain_key from vault.main.t where grain_key ilike 'a%'", "ILIKE"),
        ("select whole from read_csv('x.csv')", "read_csv"),
        ("select generate_series as number from generate_series(1, 9)", "generate_series"),
        ("select strftime(begun_at, '%Y') as year from vault.main.t", "not on the list"),
        ("select epoch_ms(begun_at) as moment from vault.main.t", "not on the list"),
    ],
)
def test_what_is_not_portable_is_refused(select: str, word: str) -> None:
    """Every rule is shown to bite."""
    found = faults(select, TABLE)
    assert any(word.lower() in text.lower() for text in found), found


@pytest.mark.parametrize(
    "select",
    [
        "select whole * 1.0 / other as share from vault.main.t",
        "select whole / 3600.0 as hours from vault.main.t",
        "select cast(whole as double precision) / other as share from vault.main.t",
        "select sum(exact) as total, sum(whole) as number from vault.main.t",
        """
        select percentile_cont(0.5) within group (order by whole) as middle
        from vault.main.t group by grain_key
        """,
        """
        select cast(
            floor(extract(epoch from ended_at)) - floor(extract(epoch from begun_at)) as bigint
        ) as s
        from vault.main.t
        """,
        "select ((begun_at) at time zone grain_key) at time zone 'UTC' as utc_at from vault.main.t",
        "select date_trunc('week', begun_at) as monday from vault.main.t",
        "select begun_at + cast(-60 as bigint) * interval 1 minute as before from vault.main.t",
        """
        with doubled as (select whole * 2 as twice from vault.main.t),
        final as (select twice, twice + 1 as more from doubled)
        select * from final
        """,
        "select other as whole, whole as other from vault.main.t",
    ],
)
def test_what_is_portable_passes(select: str) -> None:
    """Among it what the dispatched macros write on DuckDB."""
    assert faults(select, TABLE) == []
