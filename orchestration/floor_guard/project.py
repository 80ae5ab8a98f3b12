"""Rules C01 to C20: what the project may say, read off dbt's manifest before anything is built."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from orchestration.errors import FlowgrainError
from orchestration.floor_guard import jinja, taint
from orchestration.floor_guard.constants import (
    BUILT_IN_PACKAGES,
    CANDIDATE_SCHEMA,
    CATALOGUE_FILES,
    CLASSES,
    DATE_COLUMNS,
    IDENTIFIER,
    INTROSPECTING,
    JINJA_NAMES,
    KNOWLEDGE_CLASSES,
    KNOWLEDGE_METRICS,
    PEOPLE_CLASSES,
    PERSON_LIKE,
    PUBLISHED_GROUP,
    PUBLISHED_SCHEMA,
    ROLES,
    SENSITIVE_CLASSES,
    SENSITIVE_FOLDER,
    SENSITIVE_GRAIN,
    SENSITIVE_METRICS,
    SENSITIVE_READERS,
    SENSITIVE_ROLES,
    STATISTICS,
    SURVEY_CLASSES,
    SURVEY_METRICS,
    SURVEY_ROLES,
    SYSTEM_CLASSES,
    USE_CLASSES,
    USE_METRICS,
    USE_ROLES,
)
from orchestration.floor_guard.pins import digests, read_pins, write_pins
from orchestration.floor_guard.rules import Finding
from orchestration.floor_guard.vocabulary import has_pattern

Json = dict[str, Any]

RELATIONS = ("model", "seed", "snapshot")
ZONES = ("vault", "floor", "marts")
TYPES = {
    "bigint": "BIGINT",
    "boolean": "BOOLEAN",
    "bool": "BOOLEAN",
    "date": "DATE",
    "int": "INTEGER",
    "integer": "INTEGER",
    "string": "VARCHAR",
    "text": "VARCHAR",
    "varchar": "VARCHAR",
}
# Settings of a node that hold no SQL, or whose SQL a rule of its own reads.
CONFIGS = frozenset(
    {
        "access", "alias", "column_types", "contract", "delimiter", "docs", "enabled", "error_if",
        "fail_calc", "full_refresh", "grants", "group", "limit", "lookback", "materialized", "meta",
        "on_configuration_change", "on_schema_change", "post-hook", "pre-hook", "quote_columns",
        "schema", "severity", "store_failures", "store_failures_as", "tags", "warn_if", "where",
        "database", "unique_key", "persist_docs", "freshness", "description",
    }
)  # fmt: skip
# Macros of dbt's that write text and run nothing.
OF_DBT = frozenset(
    {
        "date_trunc", "dateadd", "get_where_subquery", "test_accepted_values", "test_not_null",
        "test_relationships", "test_unique", "type_bigint", "type_boolean", "type_string",
        "type_timestamp",
    }
)  # fmt: skip
# This one asks the database how many days there are.
OF_THE_GUARD = frozenset({"date_spine"})
# What the catalogue has to say of a metric, and which way is better.
MEANT = ("metric_name", "definition", "unit", "decision", "owner_role", "grains", "roll_up")
DIRECTIONS = ("higher_is_better", "lower_is_better", "context")
CONSTRAINTS = ("not_null", "unique", "primary_key")
LIMIT = re.compile(r"(?:!=|=|<>|<=?|>=?) ?\d{1,9}")
DECIMAL = re.compile(r"(?:numeric|decimal)\((\d{1,2}),(\d{1,2})\)")
BLOCK = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
VARIABLES = re.compile(r"\b(?:env_)?var\s*\(")
# What runs a query while dbt compiles, or lets Jinja reach past what it is handed.
ESCAPES = re.compile(
    r"\b(?:run_query|statement|load_result|builtins|context|api|graph|invocation_id|flags"
    r"|run_started_at|modules\.(?!re\b)\w+|get_column_values)\b|\badapter\.(?!dispatch\b)|\bset_sql_header\b"
)
# How to say it right, by rule; the example is what an honest model or setting has in its place.
REMEDIES = {
    "C01": (
        "A mart reads floor_observations, a seed or another mart, and nothing below the floor",
        "select … from {{ ref('floor_observations') }}",
    ),
    "C02": (
        "Write a SQL model, a table under an enforced contract where it is published, no hooks",
        "config: {materialized: table, contract: {enforced: true}}",
    ),
    "C03": (
        "Write one select of tables that it ref()s, joined ON named columns",
        "select a.x from {{ ref('a') }} as a inner join {{ ref('b') }} as b on a.k = b.k",
    ),
    "C04": (
        "Declare the column where it lands, with its class; what has none counts as a person",
        "config: {meta: {class: attr}}",
    ),
    "C05": (
        "Publish a figure of a group, made of what the floor let through",
        "count(*) as change_count … group by team_key, bucket_start",
    ),
    "C06": (
        "Group by keys of groups and buckets alone, so that one row is one group",
        "group by team_key, bucket, bucket_start",
    ),
    "C07": (
        "Rows per person are for the floor's own models; read the figures of groups",
        "select … from {{ ref('floor_observations') }}",
    ),
    "C09": (
        "Compare a key with another key only; choose groups, statuses or kinds instead",
        "where author_kind = 'human'",
    ),
    "C10": (
        "Use a function of the list in floor_guard/taint.py; let the door give a column its type",
        "coalesce(status, 'unknown')",
    ),
    "C11": (
        "Publish text, date, bigint, integer, boolean and numeric",
        "data_type: numeric(18, 4)",
    ),
    "C12": (
        "Publish weeks, periods and quarters as floor_observations has them",
        "bucket, bucket_start",
    ),
    "C13": (
        "Register the metric, with a statistic, class, population and subjects of the closed lists",
        "flow_velocity,…,P,author,merged,…",
    ),
    "C14": (
        "Leave the guard as it was reviewed; a reviewed change of it is pinned by `make pins`",
        "git checkout -- models/floor",
    ),
    "C15": ("Take it out: the gate alone says who may read", "config: {}"),
    "C16": (
        "Name the team or role that owns it and its alias",
        "owner: {name: Metric stewards, email: metric-stewards@flowgrain.invalid}",
    ),
    "C17": (
        "Keep failures out of tables, and people out of fixtures and seeds",
        "ada@shop.invalid",
    ),
    "C18": ("Let no result of a query become SQL; write the SQL out", "{{ ref('teams') }}"),
    "C19": (
        "What guards the floor is no variable; elsewhere read it through setting()",
        "{{ setting('binding_share') }}",
    ),
    "C20": (
        "Say in the catalogue what it is for, show it by a unit test, define it in docs/metrics.md",
        "unit test flow_velocity__changes_merged_in_the_bucket",
    ),
}


def check_project(manifest: Json, root: Path) -> list[Finding]:
    """Hold a compiled project against the rules; an honest one has no findings.

    `root` is the project's folder, for the seeds. Raises FlowgrainError where the manifest is not
    of a form known here.
    """
    return _findings(RULES, manifest, root)


def _findings(
    rules: Iterable[Callable[["Project"], Iterable[Finding]]], manifest: Json, root: Path
) -> list[Finding]:
    project = Project(manifest, root)
    try:
        return sorted({finding for rule in rules for finding in rule(project)})
    except (AttributeError, KeyError, TypeError) as error:
        raise FlowgrainError(
            f"dbt's manifest is not of the form known here ({error})",
            "Compile again with the locked dbt",
            rule="C01",
        ) from None


def check_parsed(manifest: Json, root: Path) -> list[Finding]:
    """Hold a project that is only parsed against the rules that say whether it may be compiled.

    Compiling runs its Jinja with a database at hand, so what it may call is asked before.
    """
    return _findings(BEFORE_COMPILING, manifest, root)


def refuse(findings: list[Finding]) -> None:
    """Raise the first finding as an error, with the number of the others."""
    if findings:
        first, *others = findings
        more = f"; {len(others)} more, see `flowgrain check`" if others else ""
        raise FlowgrainError(f"{first.what}{more}", first.remedy, rule=first.rule)


def pin(manifest: Json, root: Path) -> None:
    """Pin the guard as it stands: after a review of what changed in it."""
    write_pins(Project(manifest, root).guard)


def published_type(declared: str | None) -> str | None:
    """DuckDB's name of a type that may be published; None for any other."""
    spelling = (declared or "").lower().replace(" ", "")
    decimal = DECIMAL.fullmatch(spelling)
    if decimal:
        return f"DECIMAL({int(decimal[1])},{int(decimal[2])})"
    return TYPES.get(spelling)


def offered(manifest: Json) -> list[Json]:
    """Relations of the published group, by name; tests inherit the group and are none."""
    nodes = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] in RELATIONS
        and PUBLISHED_GROUP in (node.get("group"), node["config"].get("group"))
    ]
    return sorted(nodes, key=lambda node: str(node["name"]))


@dataclass
class Project:
    """dbt's manifest, and what reading its SQL told."""

    manifest: Json
    root: Path
    relations: dict[str, taint.Relation] = field(default_factory=dict)

    @property
    def nodes(self) -> dict[str, Json]:
        """Models, seeds, tests, operations and more, by id."""
        nodes: dict[str, Json] = self.manifest["nodes"]
        return nodes

    @property
    def dialect(self) -> str:
        """Engine whose SQL dbt compiled."""
        return str(self.manifest["metadata"].get("adapter_type") or "duckdb")

    @cached_property
    def models(self) -> dict[str, Json]:
        """SQL models, parents before children."""
        found: dict[str, Json] = {}
        nodes = self.manifest["nodes"]

        def visit(key: str) -> None:
            node = nodes.get(key)
            if node is None or key in found or not _is_sql_model(node):
                return
            for parent in node["depends_on"]["nodes"]:
                visit(parent)
            found[key] = node

        for key in sorted(nodes):
            visit(key)
        return found

    def published(self) -> dict[str, Json]:
        """Return the models that are offered to the gate."""
        names = {node["name"] for node in offered(self.manifest)}
        return {key: node for key, node in self.models.items() if node["name"] in names}

    def outputs(self) -> dict[str, Json]:
        """Return what of the floor may be read from above it."""
        return {
            key: node
            for key, node in self.models.items()
            if zone(node) == "floor" and node["config"].get("access") != "private"
        }

    @cached_property
    def readings(self) -> dict[str, taint.Reading]:
        """What each model's SQL tells, by its id."""
        known = {
            _relation_name(source): _landed(source["columns"])
            for source in self.manifest["sources"].values()
        }
        for node in self.manifest["nodes"].values():
            if node["resource_type"] == "seed":
                known[_relation_name(node)] = _landed(node["columns"], default="group")
        readings = {}
        for key, node in self.models.items():
            allowed = {
                name: known[name]
                for parent in node["depends_on"]["nodes"]
                if (name := _relation_name(self._any(parent))) in known
            }
            reading = taint.read_model(
                node.get("compiled_code") or "",
                self.dialect,
                allowed,
                is_guard=zone(node) == "floor",
            )
            readings[key] = reading
            if node["config"].get("materialized") != "ephemeral":
                known[_relation_name(node)] = reading.relation
        self.relations = known
        return readings

    @cached_property
    def guard(self) -> Json:
        """What the guard is made of, as digests; see floor_guard/pins.py."""
        floor = [key for key, node in self.models.items() if zone(node) == "floor"]
        return digests(self.manifest, floor)

    def macros_of(self, nodes: Iterable[Json]) -> list[str]:
        """Return ids of our own macros that nodes use, however deep; dbt's own are left out."""
        macros = self.manifest["macros"]
        found: set[str] = set()
        waiting = [key for node in nodes for key in node["depends_on"].get("macros", ())]
        while waiting:
            key = waiting.pop()
            if key in found or key not in macros or is_built_in(macros[key]):
                continue
            found.add(key)
            waiting += macros[key]["depends_on"]["macros"]
        return sorted(found)

    def finding(
        self, rule: str, node: Json, column: str, why: str, *, line: int = 0, raw: bool = False
    ) -> Finding:
        """Say what is wrong with a node; `line` is one of what dbt compiled, unless `raw`."""
        place = line if raw else _raw_line(node, line, column)
        remedy, example = REMEDIES[rule]
        return Finding(
            rule, node.get("original_file_path") or "", place, node["name"], column, why,
            remedy, example,
        )  # fmt: skip

    def _any(self, key: str) -> Json:
        node: Json = self.manifest["nodes"].get(key) or self.manifest["sources"].get(key) or {}
        return node


def zone(node: Json) -> str:
    """Folder of models in which a node stands: vault, floor, marts or another."""
    return str(node["fqn"][1]) if len(node["fqn"]) > 2 else ""


def is_built_in(macro: Json) -> bool:
    """Say whether a macro is dbt's or an adapter's own."""
    return macro["package_name"] in BUILT_IN_PACKAGES


def _is_sql_model(node: Json) -> bool:
    return node["resource_type"] == "model" and node.get("language") == "sql"


def _relation_name(node: Json) -> str:
    name = node.get("relation_name") or ""
    return re.sub(r'["`]', "", str(name)).lower()


def _landed(columns: Json, default: str | None = None) -> taint.Relation:
    """Relation of a landed table or a seed, by the classes of its columns."""
    labels = {}
    for name, column in columns.items():
        given = column["config"]["meta"].get("class", default)
        labels[name.lower()] = taint.CLASSES.get(given, taint.PERSON)
        if column.get("data_type") == "text":
            labels[name.lower()] |= taint.TEXT
    tainted = any(label & taint.TAINTED for label in labels.values())
    return taint.Relation(labels, taint.EVENT if tainted else taint.NOTHING)


def _raw_line(node: Json, line: int, column: str) -> int:
    """Line of the model's file that became a line of what dbt compiled."""
    raw = (node.get("raw_code") or "").splitlines()
    compiled = (node.get("compiled_code") or "").splitlines()
    text = compiled[line - 1].strip() if 0 < line <= len(compiled) else ""
    for number, candidate in enumerate(raw, start=1):
        if text and candidate.strip() == text:
            return number
    for number, candidate in enumerate(raw, start=1):
        if column != "*" and re.search(rf"\b{re.escape(column)}\b", candidate, re.IGNORECASE):
            return number
    return 1


def _jinja(text: str) -> Iterator[tuple[int, str]]:
    """Blocks of Jinja in a file, each with its line; comments are none."""
    text = COMMENT.sub(lambda comment: re.sub(r"[^\n]", " ", comment[0]), text)
    for block in BLOCK.finditer(text):
        yield text.count("\n", 0, block.start()) + 1, block[0]


# C01, C02, C15: where nodes stand and what they are.


def _every_node_has_a_zone(project: Project) -> Iterator[Finding]:
    databases = {source["database"] for source in project.manifest["sources"].values()}
    published = project.published()
    allowed = {*published, *project.outputs()}
    for key, node in project.nodes.items():
        if node["resource_type"] not in RELATIONS:
            continue
        if node["resource_type"] == "model" and zone(node) not in ZONES:
            yield project.finding("C01", node, "*", f"it is in none of {', '.join(ZONES)}")
        is_offered = key in published
        schema = node["schema"]
        if (schema == CANDIDATE_SCHEMA) != is_offered:
            yield project.finding("C01", node, "*", f"its schema is {schema}")
        if is_offered != (zone(node) == "marts" and node["resource_type"] == "model"):
            yield project.finding("C01", node, "*", "marts are published, and nothing else is")
        if schema == PUBLISHED_SCHEMA or (databases and node["database"] not in databases):
            yield project.finding("C01", node, "*", "it would be built outside the vault")
        if not is_offered:
            continue
        for parent in node["depends_on"]["nodes"]:
            if parent not in allowed and not parent.startswith("seed."):
                name = parent.split(".")[-1]
                line = _line_of(node, name)
                yield project.finding(
                    "C01", node, "*", f"it reads {name}, which lies below", line=line, raw=True
                )
    if not published:
        yield project.finding("C01", {"name": "marts"}, "*", "no model is published")


def _nodes_are_plain(project: Project) -> Iterator[Finding]:
    published = project.published()
    for key, node in project.nodes.items():
        config = node["config"]
        if node["resource_type"] == "snapshot":
            yield project.finding("C02", node, "*", "a snapshot keeps what was to be forgotten")
        if node["resource_type"] not in RELATIONS:
            continue
        if node["resource_type"] == "model" and node.get("language") != "sql":
            yield project.finding("C02", node, "*", "it is no SQL model")
        if config.get("pre-hook") or config.get("post-hook"):
            yield project.finding("C02", node, "*", "it has hooks")
        if config.get("grants"):
            yield project.finding("C15", node, "*", "it grants rights")
        if node["resource_type"] == "model" and config.get("materialized") not in (
            ("table",) if key in published else ("table", "view", "incremental", "ephemeral")
        ):
            yield project.finding("C02", node, "*", f"it is made as {config.get('materialized')}")
        if key in published:
            if not (config.get("contract") or {}).get("enforced"):
                yield project.finding("C02", node, "*", "its contract is not enforced")
            if not IDENTIFIER.fullmatch(node["alias"]) or node["alias"] != node["name"]:
                yield project.finding("C02", node, "*", "its table has another name than it")


def _configs_are_plain(project: Project) -> Iterator[Finding]:
    """What is set beside the SQL can be SQL too: a header, a type, a constraint, a condition."""
    for function in project.manifest.get("functions") or {}:
        yield project.finding("C02", {"name": function.split(".")[-1]}, "*", "it is a function")
    for key, node in project.nodes.items():
        if key in project.guard["nodes"] or node["resource_type"] == "operation":
            continue
        for name, value in node["config"].items():
            if value and name not in CONFIGS:
                yield project.finding("C02", node, name, "it is no setting that is known here")
        for name, kind in (node["config"].get("column_types") or {}).items():
            if published_type(kind) is None and kind != "timestamp":
                yield project.finding("C02", node, name, "its type is none of those known here")
        constraints = [*(node.get("constraints") or [])]
        for column in node["columns"].values():
            constraints += column.get("constraints") or []
        if any(c.get("expression") or c["type"] not in CONSTRAINTS for c in constraints):
            yield project.finding("C02", node, "*", "a constraint of it is an expression")


def _tests_are_selects(project: Project) -> Iterator[Finding]:
    """A test is one select: what follows a closing bracket would run in the vault."""
    for node in project.nodes.values():
        if node["resource_type"] != "test":
            continue
        config = node["config"]
        where = f"select 1 where {config['where']}" if config.get("where") else "select 1"
        for sql in (node.get("compiled_code") or "", where):
            if taint.one_query(sql, project.dialect) is None:
                yield project.finding("C03", node, "*", "it is not one select")
        limits = [config.get("error_if"), config.get("warn_if")]
        if config.get("fail_calc") not in (None, "count(*)") or any(
            limit and not LIMIT.fullmatch(str(limit)) for limit in limits
        ):
            yield project.finding("C03", node, "*", "it counts its failures in its own way")


def _hooks_are_pinned(project: Project) -> Iterator[Finding]:
    pinned = read_pins().get("hooks", {})
    for key in sorted(pinned.keys() - project.guard["hooks"].keys()):
        place = {"name": key.split(".")[-1], "original_file_path": "dbt_project.yml"}
        yield project.finding("C02", place, "*", "a hook that was reviewed is missing")
    for key, digest in project.guard["hooks"].items():
        if pinned.get(key) != digest:
            node = {**project.nodes[key], "original_file_path": "dbt_project.yml"}
            yield project.finding("C02", node, "*", "it is a hook that was not reviewed")


# C03, C05 to C10, C13: what the SQL tells.


def _sql_is_followed(project: Project) -> Iterator[Finding]:
    published, outputs = project.published(), project.outputs()
    for key, reading in project.readings.items():
        node = project.nodes[key]
        for remark in reading.remarks:
            # Inside the vault an extreme is a fact; the floor's own are reviewed.
            if remark.rule == "C13" and key not in published:
                continue
            yield project.finding(remark.rule, node, remark.column, remark.why, line=remark.line)
        if key in published:
            for line in reading.aggregates:
                yield project.finding("C13", node, "*", "it counts events itself", line=line)
            for line in reading.calendar:
                yield project.finding("C12", node, "*", "it cuts time by itself", line=line)
        if key in published or key in outputs:
            yield from _tells_of_nobody(project, node, reading)


def _tells_of_nobody(project: Project, node: Json, reading: taint.Reading) -> Iterator[Finding]:
    for column, labels in reading.relation.columns.items():
        if labels & taint.TAINTED:
            held = "a person" if "person" in labels else "an event"
            yield project.finding("C05", node, column, f"it holds what tells of {held}")
    if reading.relation.grain:
        one = "person" if "person" in reading.relation.grain else "event"
        yield project.finding("C06", node, "*", f"one row of it is one {one}")


def _people_are_read_by_the_guard(project: Project) -> Iterator[Finding]:
    for key, reading in project.readings.items():
        node = project.nodes[key]
        if zone(node) == "floor":
            continue
        for name in sorted(reading.reads):
            if project.relations[name].grain == taint.PERSON:
                short = name.split(".")[-1]
                yield project.finding(
                    "C07", node, "*", f"it reads {short}, whose rows are people",
                    line=_line_of(node, short), raw=True,
                )  # fmt: skip


def _headcounts_are_read_by_their_floor(project: Project) -> Iterator[Finding]:
    """A team's leavers are no person's row, so taint alone would let them into any measure."""
    folder = {
        node["name"]
        for node in project.models.values()
        if zone(node) == "floor" and SENSITIVE_FOLDER in node["fqn"]
    }
    for node in project.models.values():
        for parent in node["depends_on"]["nodes"]:
            name = parent.split(".")[-1]
            if name not in folder and name not in SENSITIVE_READERS:
                continue
            readers = SENSITIVE_READERS.get(name, ())
            is_inside = node["name"] in folder and (name in folder or not readers)
            if node["name"] not in readers and not is_inside:
                yield project.finding(
                    "C07", node, "*", f"it reads {name}, which tells who left of which team",
                    line=_line_of(node, name), raw=True,
                )  # fmt: skip


def _line_of(node: Json, name: str) -> int:
    for number, line in enumerate((node.get("raw_code") or "").splitlines(), start=1):
        if name in line:
            return number
    return 1


# C04, C05, C11, C12: what columns are declared.


def _landed_columns_are_classified(project: Project) -> Iterator[Finding]:
    for source in project.manifest["sources"].values():
        place = {**source, "name": f"{source['source_name']}.{source['name']}"}
        if not source["columns"]:
            yield project.finding("C04", place, "*", "its columns are not declared")
        for name, column in source["columns"].items():
            if column["config"]["meta"].get("class") not in taint.CLASSES:
                yield project.finding("C04", place, name, "it has no class")
    for node in project.nodes.values():
        if node["resource_type"] == "seed" and not node["columns"]:
            yield project.finding("C04", node, "*", "its columns are not declared")


def _published_columns_are_plain(project: Project) -> Iterator[Finding]:
    for key, node in project.published().items():
        for name, column in node["columns"].items():
            if PERSON_LIKE.search(name.lower()) or not IDENTIFIER.fullmatch(name):
                yield project.finding("C05", node, name, "it is named after a person")
            kind = published_type(column.get("data_type"))
            if kind is None:
                yield project.finding("C11", node, name, "its type can hold more than a figure")
            if kind == "DATE" and name not in DATE_COLUMNS:
                yield project.finding("C12", node, name, "it is a date of no bucket")
        told = project.readings[key].relation.columns
        for name in sorted(told.keys() - {name.lower() for name in node["columns"]}):
            yield project.finding("C11", node, name, "the contract does not declare it")


# C13: the catalogue.


def _metrics_are_classified(project: Project) -> Iterator[Finding]:
    tables = {}
    for name in CATALOGUE_FILES:
        node = next(
            (
                n
                for n in project.nodes.values()
                if (n["resource_type"], n["name"]) == ("seed", name)
            ),
            None,
        )
        if node is None:
            yield project.finding("C13", {"name": name}, "*", "the seed is not there")
            return
        tables[name] = node, _read_seed(project, node)
    node, metrics = tables["metrics"]
    populations = {
        row["population"]
        for row in (*metrics, *tables["metric_series"][1])
        if row["population"] and _class_of(metrics, row["metric_key"]) in PEOPLE_CLASSES
    }
    for number, row in enumerate(metrics, start=2):
        roles = set(filter(None, (row["subjects"] or "").split("|")))
        wrong = None
        if row["class"] not in CLASSES:
            wrong = "class", "is not one of the floor's"
        elif row["class"] in KNOWLEDGE_CLASSES and row["metric_key"] not in KNOWLEDGE_METRICS:
            wrong = "class", "is K, of which the floor tells the bus factor and its share only"
        elif row["class"] in SURVEY_CLASSES and row["metric_key"] not in SURVEY_METRICS:
            wrong = "class", "is V, of which the floor tells the metrics of SURVEY_METRICS only"
        elif row["class"] in SURVEY_CLASSES and (roles != set(SURVEY_ROLES) or row["population"]):
            wrong = "subjects", "is V, but its people are not those who answered"
        elif row["class"] in USE_CLASSES and row["metric_key"] not in USE_METRICS:
            wrong = "class", "is U, of which the floor tells the metrics of USE_METRICS only"
        elif row["class"] in USE_CLASSES and (roles != set(USE_ROLES) or row["population"]):
            wrong = "subjects", "is U, but its people are not those who used a tool"
        elif (row["class"] in SENSITIVE_CLASSES) != (row["metric_key"] in SENSITIVE_METRICS):
            wrong = "class", "is X, or should be: that is SENSITIVE_METRICS, and nothing else"
        elif row["class"] in SENSITIVE_CLASSES and row["grains"] != SENSITIVE_GRAIN:
            wrong = "grains", "is X, of which the floor tells the portfolio's only"
        elif row["class"] in SENSITIVE_CLASSES and (
            roles != set(SENSITIVE_ROLES) or row["population"]
        ):
            wrong = "subjects", "is X, but its people are not those who left"
        elif row["class"] in PEOPLE_CLASSES and (not roles or not roles <= set(ROLES)):
            wrong = "subjects", "names no known role of people"
        elif row["class"] in SYSTEM_CLASSES and (roles or row["population"] in populations):
            wrong = "class", "is S, but the metric rests on people"
        if wrong:
            column, why = wrong
            yield project.finding(
                "C13", node, column, f"of {row['metric_key']} {why}", line=number, raw=True
            )
    node, series = tables["metric_series"]
    for number, row in enumerate(series, start=2):
        kind = _class_of(metrics, row["metric_key"])
        needs = {role for role in ROLES if str(row[f"needs_{role}s"]).strip().lower() == "true"}
        declared = set(
            next(
                (m["subjects"] or "" for m in metrics if m["metric_key"] == row["metric_key"]), ""
            ).split("|")
        )
        wrong = None
        if row["statistic"] not in STATISTICS:
            wrong = "statistic", "is not on the closed list"
        elif kind in SYSTEM_CLASSES and (needs or row["population"]):
            wrong = "population", "counts people for a metric of class S"
        elif kind in PEOPLE_CLASSES and row["author_kind"] == "human" and needs != declared:
            wrong = "needs_authors", "and needs_reviewers are not the subjects of the metric"
        if wrong:
            column, why = wrong
            yield project.finding(
                "C13", node, column, f"of {row['metric_key']} {why}", line=number, raw=True
            )


# C20: a number that nobody decides by is a number to rank people by.


def _metrics_serve_decisions(project: Project) -> Iterator[Finding]:
    seeds = {n["name"]: n for n in project.nodes.values() if n["resource_type"] == "seed"}
    if "metrics" not in seeds:
        return
    node = seeds["metrics"]
    shown = {
        name
        for test in project.manifest.get("unit_tests", {}).values()
        for name in (test["name"].split("__")[0], *_expected_metrics(test))
    }
    path = project.root / "docs/metrics.md"
    defined = path.read_text(encoding="utf-8") if path.exists() else None
    for number, row in enumerate(_read_seed(project, node), start=2):
        key = row["metric_key"]
        wrong = [
            (column, "does not say anything") for column in MEANT if not (row[column] or "").strip()
        ]
        if row["direction"] not in DIRECTIONS:
            wrong.append(("direction", "is not on the closed list"))
        if key not in shown:
            wrong.append(("metric_key", "is shown by no unit test"))
        if defined is not None and f"`{key}`" not in defined:
            wrong.append(("metric_key", "is not defined in docs/metrics.md"))
        for column, why in wrong:
            yield project.finding("C20", node, column, f"of {key} {why}", line=number, raw=True)


def _expected_metrics(test: Json) -> Iterator[str]:
    rows = test["expect"].get("rows")
    for row in rows if isinstance(rows, list) else ():
        if row.get("metric_key"):
            yield row["metric_key"]


def _class_of(metrics: list[dict[str, str]], key: str) -> str:
    return next((row["class"] for row in metrics if row["metric_key"] == key), "")


def _read_seed(project: Project, node: Json) -> list[dict[str, str]]:
    path = project.root / node["original_file_path"]
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# C14, C18, C19: the guard and Jinja.


def _guard_is_pinned(project: Project) -> Iterator[Finding]:
    pins, guard = read_pins(), project.guard
    for kind in ("nodes", "sources", "macros", "packages"):
        reviewed = pins.get(kind, {})
        for key in sorted(reviewed.keys() | guard[kind].keys()):
            if reviewed.get(key) == guard[kind].get(key):
                continue
            why = "is not what was reviewed" if key in reviewed else "was not reviewed"
            if key not in guard[kind]:
                why = "is missing"
            known = project.manifest.get(kind, {}).get(key, {})
            place = {"name": key.split(".", 2)[-1], **known}
            yield project.finding("C14", place, "*", f"a part of the guard {why}")


def _built_ins_are_dbts(project: Project) -> Iterator[Finding]:
    macros = project.manifest["macros"].values()
    protected = {macro["name"] for macro in macros if is_built_in(macro)} | {*JINJA_NAMES}
    for macro in macros:
        if is_built_in(macro):
            continue
        name = macro["name"]
        plain = name.split("__", 1)[-1]
        if {name, plain} & protected or name.startswith("materialization_"):
            yield project.finding("C14", macro, "*", "it takes the place of a macro of dbt's")


def _jinja_names_relations(project: Project) -> Iterator[Finding]:
    """A model, a test or a fixture names relations and calls reviewed macros, and nothing else."""
    macros = project.manifest["macros"].values()
    own = project.manifest["metadata"]["project_name"]
    names = {
        macro["name"]
        for macro in macros
        if macro["package_name"] == own
        or (macro["package_name"] in BUILT_IN_PACKAGES and macro["name"] in OF_DBT)
        or (macro["package_name"] == "dbt_utils" and macro["name"].startswith("test_"))
    }
    packages = {macro["package_name"] for macro in macros}
    for node, texts, is_guard in _templates(project):
        allowed = names | OF_THE_GUARD if is_guard else names
        for use in (use for text in texts for use in jinja.uses(text, allowed, packages)):
            yield project.finding(use.rule, node, "*", use.why, line=use.line, raw=True)


def _templates(project: Project) -> Iterator[tuple[Json, list[str], bool]]:
    """What dbt renders where a query could run: texts of each node, and whether it is pinned."""
    for key, node in project.nodes.items():
        if node["resource_type"] != "operation":
            arguments = (node.get("test_metadata") or {}).get("kwargs") or {}
            texts = [node.get("raw_code"), node["config"].get("where"), *arguments.values()]
            is_guard = key in project.guard["nodes"]
            yield node, [text for text in texts if isinstance(text, str)], is_guard
    for test in (project.manifest.get("unit_tests") or {}).values():
        rows = [part.get("rows") for part in (*test["given"], test["expect"])]
        yield test, [text for text in rows if isinstance(text, str)], False


def _macros_compute_nothing(project: Project) -> Iterator[Finding]:
    """No result of a query, no variable and no clock of the run in SQL that models write."""
    guarded = {
        key
        for key, node in project.models.items()
        if zone(node) == "floor" or key in project.published()
    }
    macros = project.manifest["macros"]
    guarded_macros = set(project.macros_of(project.nodes[key] for key in guarded))
    for key in project.macros_of(project.models.values()):
        macro = macros[key]
        for line, block in _jinja(macro["macro_sql"]):
            if ESCAPES.search(block):
                yield project.finding("C18", macro, "*", "Jinja looks past it", line=line, raw=True)
            if VARIABLES.search(block) and macro["name"] != "setting":
                yield project.finding("C19", macro, "*", "it reads a variable", line=line, raw=True)
        if key in guarded_macros and macro["name"] == "setting":
            yield project.finding("C19", macro, "*", "a variable reaches the floor")
        for other in macro["depends_on"]["macros"]:
            called = macros.get(other)
            if called and is_built_in(called) and called["name"] in INTROSPECTING:
                yield project.finding("C18", macro, "*", f"it calls {called['name']}")


# C16, C17: people in what is written beside the SQL.


def _owners_are_teams(project: Project) -> Iterator[Finding]:
    for kind in ("exposures", "groups"):
        for node in project.manifest.get(kind, {}).values():
            owner = node.get("owner") or {}
            name, email = str(owner.get("name") or ""), owner.get("email") or ""
            emails = email if isinstance(email, list) else [email]
            alias = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
            if has_pattern(name) or any(
                address and address.split("@")[0].lower() != alias for address in emails
            ):
                yield project.finding("C16", node, "owner", "it is no alias of a team")
    for node in (*project.nodes.values(), *project.manifest["sources"].values()):
        texts = {"description": node.get("description") or ""}
        texts |= {c["name"]: c.get("description") or "" for c in node.get("columns", {}).values()}
        texts["meta"] = json.dumps(node["config"].get("meta") or {})
        for place, text in texts.items():
            if has_pattern(re.sub(r"https?://\S+", "", text)):
                yield project.finding("C16", node, place, "it looks like somebody's account")


def _failures_and_fixtures_hold_nobody(project: Project) -> Iterator[Finding]:
    for node in project.nodes.values():
        config = node["config"]
        if config.get("store_failures") or config.get("store_failures_as") in ("table", "view"):
            yield project.finding("C17", node, "*", "rows that fail would be kept in a table")
        if node["resource_type"] == "seed":
            for number, row in enumerate(_read_seed(project, node), start=2):
                for column, cell in row.items():
                    if _is_address(str(cell or "")):
                        yield project.finding(
                            "C17", node, str(column), "an address stands in it",
                            line=number, raw=True,
                        )  # fmt: skip
    for test in project.manifest.get("unit_tests", {}).values():
        given = json.dumps([test.get("given"), test.get("expect")])
        if _is_address(given):
            yield project.finding("C17", test, "*", "an address stands in its rows")
        for part in (*test["given"], test["expect"]):
            rows = str(part.get("rows"))
            if part.get("format") == "sql" and taint.reads_a_table(rows, project.dialect):
                yield project.finding("C17", test, "*", "its rows are read from a table")


def _is_address(text: str) -> bool:
    addresses = re.findall(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", text)
    return any(not address.endswith(".invalid") for address in addresses)


BEFORE_COMPILING: tuple[Callable[[Project], Iterable[Finding]], ...] = (
    _hooks_are_pinned,
    _guard_is_pinned,
    _built_ins_are_dbts,
    _jinja_names_relations,
    _macros_compute_nothing,
    _configs_are_plain,
)
RULES: tuple[Callable[[Project], Iterable[Finding]], ...] = (
    _every_node_has_a_zone,
    _nodes_are_plain,
    _landed_columns_are_classified,
    _sql_is_followed,
    _people_are_read_by_the_guard,
    _headcounts_are_read_by_their_floor,
    _published_columns_are_plain,
    _metrics_are_classified,
    _metrics_serve_decisions,
    _tests_are_selects,
    *BEFORE_COMPILING,
    _owners_are_teams,
    _failures_and_fixtures_hold_nobody,
)
