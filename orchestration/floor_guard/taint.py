"""Follows people through SQL: what each column holds of them, and what one row is.

Every column of a relation carries labels, every relation a grain. A label says what could be read
off the column; the grain says of whom or what there is one row. Both are computed from the SQL that
dbt compiled, from the landed columns' classes on, and never from what a model says of itself.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

Labels = frozenset[str]

NOTHING: Labels = frozenset()
PERSON: Labels = frozenset({"person"})
EVENT: Labels = frozenset({"event"})
TIME: Labels = frozenset({"time"})
MEASURE: Labels = frozenset({"measure"})
# A text as a source wrote it: a cast that fails would print it.
TEXT: Labels = frozenset({"text"})
# What no column above the floor may carry: who, which event, when exactly, how much of one event.
TAINTED = PERSON | EVENT | TIME | MEASURE
IDENTIFYING = PERSON | EVENT

# The classes of the contract (C04). What is not classified is a person.
CLASSES: dict[str, Labels] = {
    "person_key": PERSON,
    "event_id": EVENT,
    "time": TIME,
    "measure": MEASURE,
    "group": NOTHING,
    "attr": NOTHING,
}

# Functions that are known to return nothing but what their arguments hold (C10).
FUNCTIONS = frozenset(
    """
    and or case if cast coalesce nullif greatest least exists
    count sum avg min max
    row_number rank dense_rank lag lead
    round floor ceil abs sqrt power ln exp
    lower upper length substring trim concat replace regexp_replace
    extract timestamp_trunc date_trunc percentile_cont
    """.split()
)
# The quantiles of the closed list (C13); beyond them one event shows.
QUANTILES = ("0.5", "0.85")
# Of what these make of many rows, no single one can be read off.
AGGREGATES = (exp.Sum, exp.Avg, exp.PercentileCont)
# These return the value of one row.
EXTREMES = (exp.Min, exp.Max)
COMPARISONS = (
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ,
    exp.Like, exp.ILike, exp.RegexpLike, exp.SimilarTo, exp.Glob,
)  # fmt: skip
ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)


@dataclass(frozen=True)
class Relation:
    """What a table tells: the labels of each column, and what one row is.

    The grain is empty where one row is a group (or a constant), else it holds `event` or `person`.
    """

    columns: Mapping[str, Labels]
    grain: Labels


UNKNOWN = Relation({}, PERSON | EVENT)


@dataclass(frozen=True)
class Remark:
    """Something that a rule has to say of one place in a model's SQL."""

    rule: str
    column: str
    line: int
    why: str


@dataclass
class Reading:
    """What came of reading one model: its relation, what it read and what is to be said of it."""

    relation: Relation = UNKNOWN
    reads: set[str] = field(default_factory=set)
    remarks: list[Remark] = field(default_factory=list)
    # Lines on which rows of people or events become one number per group.
    aggregates: list[int] = field(default_factory=list)
    # Lines on which a time is cut, moved or looked back from.
    calendar: list[int] = field(default_factory=list)


def read_model(
    sql: str, dialect: str, relations: Mapping[str, Relation], *, is_guard: bool = False
) -> Reading:
    """Follow every column of a model to its end.

    `relations` holds what the model may read, by its name as dbt writes it, without quotes. What
    cannot be followed is remarked on and counts as a person. A model of the guard may bound a
    quantile by the value of one event: its own rules see to it that others lie on both sides.
    """
    reading = Reading()
    query = one_query(sql, dialect)
    if query is None:
        reading.remarks.append(Remark("C03", "*", 1, "it cannot be parsed as one select"))
        return reading
    reader = _Reader(relations, reading, is_guard)
    reading.relation = reader.query(query, {}, None)
    for table in query.find_all(exp.Table):
        if id(table) not in reader.visited:
            reading.remarks.append(
                Remark("C03", "*", _line(table), "it reads a table where none is looked for")
            )
    return reading


@dataclass
class _Scope:
    """Names that a column may stand for: of the tables of a select, its own, the outer select's."""

    tables: dict[str, Relation]
    outer: "_Scope | None"
    aliases: dict[str, Labels] = field(default_factory=dict)
    ctes: dict[str, Relation] = field(default_factory=dict)
    # What one row is after the select's own grouping.
    grain: Labels = NOTHING
    rows: Labels = NOTHING


class _Reader:
    """Walks one model's tree."""

    def __init__(self, relations: Mapping[str, Relation], reading: Reading, is_guard: bool) -> None:
        self._relations = relations
        self._reading = reading
        self._is_guard = is_guard
        self.visited: set[int] = set()

    def query(self, tree: exp.Expr, ctes: dict[str, Relation], outer: _Scope | None) -> Relation:
        """Relation that a select, a union or a query in brackets gives."""
        ctes = dict(ctes)
        with_ = tree.args.get("with_") or exp.With(expressions=[])
        if with_.args.get("recursive"):
            self._remark("C03", "*", with_, "a recursive query cannot be followed")
        for cte in with_.expressions:
            ctes[cte.alias.lower()] = self._renamed(cte, self.query(cte.this, ctes, outer))
        if isinstance(tree, exp.Subquery):
            return self.query(tree.this, ctes, outer)
        if isinstance(tree, exp.SetOperation):
            return self._combined(tree, ctes, outer)
        if isinstance(tree, exp.Select):
            return self._select(tree, ctes, outer)
        self._remark("C03", "*", tree, "it is not a select")
        return UNKNOWN

    def _combined(
        self, tree: exp.SetOperation, ctes: dict[str, Relation], outer: _Scope | None
    ) -> Relation:
        for clause in ("limit", "offset", "order", "by_name", "on", "side", "kind"):
            if tree.args.get(clause):
                self._remark("C03", "*", tree, f"{clause.upper()} of a union cannot be followed")
        left = self.query(tree.left, ctes, outer)
        right = self.query(tree.right, ctes, outer)
        columns = {
            name: one | other
            for (name, one), other in zip(
                left.columns.items(), right.columns.values(), strict=False
            )
        }
        if len(left.columns) != len(right.columns):
            self._remark("C03", "*", tree, "both sides of a union need the same columns")
        grain = left.grain | right.grain
        if tree.args.get("distinct"):
            grain = grain_of(columns.values())
        return Relation(columns, grain)

    def _table(self, tree: exp.Expr, ctes: dict[str, Relation], outer: _Scope | None) -> Relation:
        if isinstance(tree, exp.Subquery):
            return self._renamed(tree, self.query(tree.this, ctes, outer))
        if not isinstance(tree, exp.Table):
            self._remark("C03", "*", tree, "it reads from something that is no table")
            return UNKNOWN
        self.visited.add(id(tree))
        if _is_series(tree):
            return Relation({"generate_series": NOTHING, "": NOTHING}, NOTHING)
        if not isinstance(tree.this, exp.Identifier):
            self._remark("C03", "*", tree, "it calls a function in place of a table")
            return UNKNOWN
        if any(value for key, value in tree.args.items() if key not in _TABLE_PARTS):
            self._remark("C03", "*", tree, "it takes a part of a table, or the table as it was")
            return UNKNOWN
        name = ".".join(part.name for part in tree.parts).lower()
        if not tree.db and name in ctes:
            return ctes[name]
        if name not in self._relations:
            self._remark("C03", "*", tree, "it reads a table that it does not ref()")
            return UNKNOWN
        self._reading.reads.add(name)
        return self._relations[name]

    def _renamed(self, tree: exp.Expr, relation: Relation) -> Relation:
        if tree.alias_column_names:
            self._remark("C03", "*", tree, "name the columns in the select, not beside the alias")
        return relation

    def _select(
        self, tree: exp.Select, ctes: dict[str, Relation], outer: _Scope | None
    ) -> Relation:
        scope = _Scope({}, outer, ctes=ctes)
        from_ = tree.args.get("from_")
        joins = tree.args.get("joins") or []
        rows = NOTHING
        for part in [*([from_.this] if from_ else []), *(join.this for join in joins)]:
            relation = self._table(part, ctes, outer)
            scope.tables[part.alias_or_name.lower()] = relation
            rows |= relation.grain
        for clause, value in tree.args.items():
            if value and clause not in _READ:
                why = _CLAUSES.get(clause, f"{clause.upper()} cannot be followed")
                self._remark("C03", "*", tree, why)
        for join in joins:
            if join.args.get("using") or join.args.get("method"):
                self._remark("C03", "*", join, "join ON named columns, so that all can be read")
            self._labels(join.args.get("on"), scope)
        self._labels(_inner(tree, "where"), scope)
        scope.rows = rows
        scope.grain = rows
        group = tree.args.get("group")
        if group:
            scope.grain = self._grouped(tree, group, scope)
        elif _aggregates_all(tree):
            scope.grain = NOTHING
        columns = self._columns(tree, scope)
        self._labels(_inner(tree, "having"), scope)
        self._labels(_inner(tree, "qualify"), scope)
        for key in tree.args["order"].expressions if tree.args.get("order") else ():
            self._labels(key.this, scope)
        distinct = tree.args.get("distinct")
        if distinct and distinct.args.get("on"):
            self._remark(
                "C03", "*", distinct, "DISTINCT ON picks out a row, which may be somebody's"
            )
        if distinct:
            return Relation(columns, grain_of(columns.values()))
        return Relation(columns, scope.grain)

    def _grouped(self, tree: exp.Select, group: exp.Group, scope: _Scope) -> Labels:
        """Grain after a group by: what its keys tell apart."""
        if any(group.args.get(key) for key in ("all", "cube", "rollup", "grouping_sets")):
            self._remark("C03", "*", group, "name the columns that it groups by")
            return UNKNOWN.grain
        keys = []
        named = {item.alias: item.this for item in tree.expressions if isinstance(item, exp.Alias)}
        for key in group.expressions:
            place = key
            if isinstance(key, exp.Literal) and key.is_int:
                place = tree.expressions[int(key.this) - 1].unalias()
            elif isinstance(key, exp.Column) and not key.table and key.name in named:
                known = any(key.name in table.columns for table in scope.tables.values())
                place = key if known else named[key.name]
            keys.append(self._labels(place, scope))
        return grain_of(keys)

    def _columns(self, tree: exp.Select, scope: _Scope) -> dict[str, Labels]:
        columns: dict[str, Labels] = {}
        for item in tree.expressions:
            star = item.this if isinstance(item, exp.Column) else item
            if isinstance(star, exp.Star):
                if any(star.args.get(key) for key in ("except_", "replace", "rename")):
                    self._remark("C03", "*", item, "EXCLUDE, REPLACE or RENAME: list the columns")
                table = item.table.lower() if isinstance(item, exp.Column) else ""
                for name, relation in scope.tables.items():
                    if not table or name == table:
                        columns.update(relation.columns)
                continue
            labels = self._labels(item.unalias(), scope)
            columns[item.alias_or_name.lower()] = labels
            scope.aliases.setdefault(item.alias_or_name.lower(), labels)
        return columns

    def _labels(self, tree: exp.Expr | None, scope: _Scope) -> Labels:
        """What can be read off an expression."""
        if tree is None:
            return NOTHING
        for kind, read in _READERS:
            if isinstance(tree, kind):
                return read(self, tree, scope)
        self._check_function(tree)
        parts = [self._labels(part, scope) for part in _parts(tree)]
        labels = NOTHING.union(*parts)
        if isinstance(tree, ARITHMETIC) and labels & TEXT:
            self._remark("C10", _name(tree), tree, "arithmetic on a text of a source can fail")
        return labels

    def _column(self, tree: exp.Column, scope: _Scope) -> Labels:
        name, table = tree.name.lower(), tree.table.lower()
        place: _Scope | None = scope
        while place is not None:
            if table and table in place.tables:
                if name in place.tables[table].columns:
                    return place.tables[table].columns[name]
                break
            if not table:
                found = [r.columns[name] for r in place.tables.values() if name in r.columns]
                if found:
                    return NOTHING.union(*found)
                if name in place.aliases:
                    return place.aliases[name]
                # DuckDB's series has one column, of its own name.
                if name in place.tables and "generate_series" in place.tables[name].columns:
                    return NOTHING
            place = place.outer
        self._remark("C04", tree.name, tree, "nothing that it reads declares such a column")
        return PERSON

    def _comparison(self, tree: exp.Binary, scope: _Scope) -> Labels:
        left, right = self._labels(tree.this, scope), self._labels(tree.expression, scope)
        for labels, other, value in (
            (left, right, tree.expression),
            (right, left, tree.this),
        ):
            if labels & IDENTIFYING and not other & IDENTIFYING and not _says_nothing(value):
                self._remark(
                    "C09",
                    _name(tree),
                    tree,
                    "a person or an event is singled out by comparing its key with a value",
                )
        # Who comes before whom would tell something; whether two are the same does not.
        is_order = isinstance(tree, (exp.GT, exp.GTE, exp.LT, exp.LTE))
        return (left | right) & PERSON if is_order else NOTHING

    def _star(self, tree: exp.Star, scope: _Scope) -> Labels:
        """All rows, where they are counted; all columns anywhere else, whatever they hold."""
        if isinstance(tree.parent, exp.Count):
            return NOTHING
        self._remark("C03", "*", tree, "name the columns that it takes")
        return PERSON

    def _case(self, tree: exp.Case, scope: _Scope) -> Labels:
        if tree.this is not None and self._labels(tree.this, scope) & IDENTIFYING:
            self._remark("C09", _name(tree), tree, "people or events are singled out by a case")
        return NOTHING.union(*(self._labels(part, scope) for part in _parts(tree)))

    def _nullif(self, tree: exp.Nullif, scope: _Scope) -> Labels:
        labels = [self._labels(part, scope) for part in (tree.this, tree.expression)]
        told = labels[0] & PERSON and not labels[1] & PERSON
        if told and not _says_nothing(tree.expression):
            self._remark("C09", _name(tree), tree, "a person is singled out by a value")
        return NOTHING.union(*labels)

    def _between(self, tree: exp.Between, scope: _Scope) -> Labels:
        labels = NOTHING.union(*(self._labels(part, scope) for part in _parts(tree)))
        if labels & IDENTIFYING:
            self._remark("C09", _name(tree), tree, "people or events are singled out by a span")
        return NOTHING

    def _in(self, tree: exp.In, scope: _Scope) -> Labels:
        one = self._labels(tree.this, scope)
        other = NOTHING
        query = tree.args.get("query")
        if query is not None:
            other = NOTHING.union(*self.query(query, scope.ctes, scope).columns.values())
        else:
            other = NOTHING.union(*(self._labels(item, scope) for item in tree.expressions))
        if one & IDENTIFYING and not other & IDENTIFYING:
            self._remark("C09", _name(tree), tree, "people or events are singled out by a list")
        return NOTHING

    def _subquery(self, tree: exp.Subquery, scope: _Scope) -> Labels:
        return NOTHING.union(*self.query(tree, scope.ctes, scope).columns.values())

    def _exists(self, tree: exp.Exists, scope: _Scope) -> Labels:
        self.query(tree.this, scope.ctes, scope)
        return NOTHING

    def _is(self, tree: exp.Is, scope: _Scope) -> Labels:
        self._labels(tree.this, scope)
        return NOTHING

    def _cast(self, tree: exp.Cast, scope: _Scope) -> Labels:
        labels = self._labels(tree.this, scope)
        is_text = tree.to.this in exp.DataType.TEXT_TYPES
        if labels & TEXT and not is_text and not isinstance(tree, exp.TryCast):
            self._remark("C10", _name(tree), tree, "a cast of a source's text can fail")
        return labels if is_text else labels - TEXT

    def _extract(self, tree: exp.Extract, scope: _Scope) -> Labels:
        labels = self._labels(tree.expression, scope)
        return labels - TIME | MEASURE if labels & TIME else labels

    def _window(self, tree: exp.Window, scope: _Scope) -> Labels:
        """A number among others: of people where it runs over them in their order."""
        inner = self._labels(tree.this, scope)
        parts = [self._labels(part, scope) for part in tree.args.get("partition_by") or ()]
        order = tree.args.get("order")
        keys = [self._labels(key.this, scope) for key in (order.expressions if order else ())]
        for part in (tree.args.get("spec"),):
            self._labels(part, scope)
        out = inner | NOTHING.union(*keys) & PERSON
        if isinstance(tree.this, AGGREGATES) and scope.rows:
            # A frame may hold one row.
            out |= MEASURE
        return out | MEASURE if NOTHING.union(*parts, *keys) & TAINTED else out

    def _count(self, tree: exp.Count, scope: _Scope) -> Labels:
        """How many there are tells of nobody (C08), unless they were one person's or event's."""
        for part in _parts(tree):
            for inner in part.expressions if isinstance(part, exp.Distinct) else (part,):
                self._labels(inner, scope)
        return self._figure(tree, scope)

    def _sum(self, tree: exp.AggFunc, scope: _Scope) -> Labels:
        if isinstance(tree, exp.PercentileCont):
            self._check_quantile(tree)
        labels = NOTHING.union(*(self._labels(part, scope) for part in _parts(tree)))
        return labels - TIME - MEASURE - TEXT | self._figure(tree, scope)

    def _within_group(self, tree: exp.WithinGroup, scope: _Scope) -> Labels:
        order = tree.expression
        labels = NOTHING.union(*(self._labels(key.this, scope) for key in order.expressions))
        if isinstance(tree.this, exp.PercentileCont):
            self._check_quantile(tree.this)
        else:
            self._remark("C13", _name(tree), tree, "it is no statistic of the closed list")
        return labels - TIME - MEASURE - TEXT | self._figure(tree, scope)

    def _check_quantile(self, tree: exp.PercentileCont) -> None:
        place = tree.args.get("expression") or tree.this
        if not isinstance(place, exp.Literal) or place.this not in QUANTILES:
            self._remark("C13", _name(tree), tree, f"quantiles are {' and '.join(QUANTILES)}")

    def _extreme(self, tree: exp.AggFunc, scope: _Scope) -> Labels:
        """The value of one row: of one event, where a row is one."""
        labels = NOTHING.union(*(self._labels(part, scope) for part in _parts(tree)))
        if scope.rows and not _is_windowed(tree):
            self._remark("C13", _name(tree), tree, "the least or greatest is one event's value")
        self._figure(tree, scope)
        return labels - MEASURE if self._is_guard and not scope.grain else labels

    def _other_aggregate(self, tree: exp.AggFunc, scope: _Scope) -> Labels:
        labels = NOTHING.union(*(self._labels(part, scope) for part in _parts(tree)))
        self._check_function(tree)
        self._remark("C13", _name(tree), tree, "it is no statistic of the closed list")
        return labels | self._figure(tree, scope)

    def _ranked(self, tree: exp.AggFunc, scope: _Scope) -> Labels:
        self._check_function(tree)
        return NOTHING.union(*(self._labels(part, scope) for part in _parts(tree)))

    def _figure(self, tree: exp.Expr, scope: _Scope) -> Labels:
        """Label of a number made of rows: of nobody once a row is a group."""
        if _is_windowed(tree):
            return NOTHING
        if scope.rows:
            self._reading.aggregates.append(_line(tree))
        return MEASURE if scope.grain else NOTHING

    def _calendar(self, tree: exp.Expr, scope: _Scope) -> Labels:
        self._reading.calendar.append(_line(tree))
        self._check_function(tree)
        return NOTHING.union(*(self._labels(part, scope) for part in _parts(tree)))

    def _check_function(self, tree: exp.Expr) -> None:
        if not isinstance(tree, exp.Func):
            if not isinstance(tree, _FOLLOWED):
                self._remark("C10", "*", tree, f"{tree.key.upper()} cannot be followed")
            return
        name = tree.name if isinstance(tree, exp.Anonymous) else tree.sql_name()
        if name.lower() not in FUNCTIONS:
            self._remark("C10", name.lower(), tree, "the function is not on the list")

    def _remark(self, rule: str, column: str, tree: exp.Expr, why: str) -> None:
        self._reading.remarks.append(Remark(rule, column, _line(tree), why))


def one_query(sql: str, dialect: str) -> exp.Query | None:
    """Return the tree of a text that is one query, or None where it is anything else."""
    try:
        statements = [tree for tree in sqlglot.parse(sql, read=dialect) if tree is not None]
    except SqlglotError:
        return None
    only = statements[0] if len(statements) == 1 else None
    return only if isinstance(only, exp.Query) else None


def reads_a_table(sql: str, dialect: str) -> bool:
    """Say whether rows written out as SQL are read from anything but the query's own parts."""
    query = one_query(sql, dialect)
    if query is None:
        return True
    own = {cte.alias.lower() for cte in query.find_all(exp.CTE)}
    return any(
        isinstance(table.this, exp.Identifier) and (table.db or table.name.lower() not in own)
        for table in query.find_all(exp.Table)
    )


def grain_of(keys: Iterable[Labels]) -> Labels:
    """Say what rows are when these keys tell them apart."""
    labels = NOTHING.union(*keys)
    # An instant or an amount tells events apart nearly as well as their number does.
    return labels & PERSON | (EVENT if labels & (EVENT | TIME | MEASURE) else NOTHING)


def _inner(tree: exp.Expr, key: str) -> exp.Expr | None:
    clause = tree.args.get(key)
    return clause.this if clause is not None else None


def _parts(tree: exp.Expr) -> Iterator[exp.Expr]:
    """The expressions that an expression is made of."""
    for value in tree.args.values():
        for part in value if isinstance(value, list) else (value,):
            if isinstance(part, exp.Expr):
                yield part


def _is_windowed(tree: exp.Expr) -> bool:
    """Say whether a function runs over a window, so that rows stay as they are."""
    parent = tree.parent
    while isinstance(parent, (exp.IgnoreNulls, exp.RespectNulls, exp.Filter, exp.WithinGroup)):
        tree, parent = parent, parent.parent
    return isinstance(parent, exp.Window) and parent.this is tree


def _aggregates_all(tree: exp.Select) -> bool:
    """Say whether a select without group by makes one row of all."""
    return any(
        part.find_ancestor(exp.Select) is tree
        and not _is_windowed(part)
        and not isinstance(part, _RANKED)
        for item in tree.expressions
        for part in item.find_all(exp.AggFunc)
    )


def _is_series(tree: exp.Table) -> bool:
    """A series between two literals is what date_spine writes: it holds nothing of anybody."""
    return isinstance(tree.this, exp.GenerateSeries) and all(
        isinstance(part, exp.Literal) for part in _parts(tree.this)
    )


def _says_nothing(value: exp.Expr) -> bool:
    """A null, an empty text or a pattern without a letter or digit singles out nobody."""
    if isinstance(value, exp.Null):
        return True
    return (
        isinstance(value, exp.Literal)
        and value.is_string
        and not any(letter.isalnum() for letter in value.this)
    )


def _line(tree: exp.Expr) -> int:
    """First line of an expression, as far as its names tell."""
    lines = [node.meta["line"] for node in tree.walk() if "line" in node.meta]
    return int(min(lines)) if lines else 1


def _name(tree: exp.Expr) -> str:
    """Name of the first column in an expression."""
    column = tree.find(exp.Column)
    return column.name if column is not None else "*"


_RANKED = (exp.RowNumber, exp.Rank, exp.DenseRank, exp.Lag, exp.Lead)
# Anything else is refused: what is not known here could hand a column on unseen.
_FOLLOWED = (
    exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.Paren, exp.Not, exp.DPipe,
    exp.Distinct, exp.Filter, exp.Where, exp.Ordered, exp.Order, exp.Tuple, exp.Interval,
    exp.WindowSpec, exp.Escape, exp.AtTimeZone,
)  # fmt: skip
_TABLE_PARTS = ("this", "db", "catalog", "alias")
_CLAUSES = {
    "laterals": "LATERAL cannot be followed",
    "limit": "LIMIT picks out rows, and a row may be somebody's",
    "offset": "OFFSET picks out rows, and a row may be somebody's",
    "sample": "a sample picks out rows, and a row may be somebody's",
    "pivots": "PIVOT cannot be followed",
    "windows": "write the window where it is used",
}
# Parts of a select that are followed.
_READ = (
    "with_", "from_", "joins", "where", "group", "having", "qualify", "order", "distinct",
    "expressions",
)  # fmt: skip
_ATOMS = (
    exp.Literal, exp.Null, exp.Boolean, exp.DataType, exp.Var, exp.Identifier,
)  # fmt: skip
_MOVES = (exp.Interval, exp.TimestampTrunc, exp.DateTrunc, exp.DateAdd, exp.DateSub)
# The first that fits reads an expression.
_READERS: tuple[tuple[Any, Callable[..., Labels]], ...] = (
    (exp.Column, _Reader._column),
    (_ATOMS, lambda reader, tree, scope: NOTHING),
    (exp.Star, _Reader._star),
    (exp.Case, _Reader._case),
    (exp.Nullif, _Reader._nullif),
    (exp.Exists, _Reader._exists),
    (exp.Subquery, _Reader._subquery),
    (exp.In, _Reader._in),
    (exp.Is, _Reader._is),
    (COMPARISONS, _Reader._comparison),
    (exp.Between, _Reader._between),
    (exp.Cast, _Reader._cast),
    (exp.Extract, _Reader._extract),
    (exp.Window, _Reader._window),
    (exp.Count, _Reader._count),
    (exp.WithinGroup, _Reader._within_group),
    (AGGREGATES, _Reader._sum),
    (EXTREMES, _Reader._extreme),
    (_RANKED, _Reader._ranked),
    (exp.AggFunc, _Reader._other_aggregate),
    (_MOVES, _Reader._calendar),
)
