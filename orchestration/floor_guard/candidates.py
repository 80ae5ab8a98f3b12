"""Rules B07, C02, C11: what dbt offers comes from one whole build, and is as it was declared."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.errors import FlowgrainError
from orchestration.floor_guard.constants import CANDIDATE_SCHEMA
from orchestration.floor_guard.project import RELATIONS, offered, published_type
from orchestration.floor_guard.rules import Rule, apply, literal, quoted, refusal
from orchestration.home import Home
from orchestration.landing.vault import expect_version

Json = dict[str, Any]

BUILD_AGAIN = "Run `flowgrain build`, then publish"
WHOLE_SELECTIONS: tuple[list[str], ...] = ([], ["fqn:*"], ["*"])


@dataclass(frozen=True)
class Column:
    """One column as its contract declares it; `kind` is DuckDB's name of the type."""

    name: str
    kind: str
    description: str


@dataclass(frozen=True)
class Candidate:
    """One table that dbt offers for publication."""

    name: str
    description: str
    columns: tuple[Column, ...]
    # Columns whose values tell its rows apart, as the model declares them.
    grain: tuple[str, ...] = ()

    @property
    def relation(self) -> str:
        """Its table in the attached vault."""
        return f"vault.{CANDIDATE_SCHEMA}.{quoted(self.name)}"

    def names(self) -> set[str]:
        """Names of its columns."""
        return {column.name for column in self.columns}

    def declaration(self, schema: str) -> Iterator[str]:
        """Return the statements that make it there, empty, with what it and its columns say."""
        relation = f"{schema}.{quoted(self.name)}"
        columns = ", ".join(f"{quoted(column.name)} {column.kind}" for column in self.columns)
        yield f"create table {relation} ({columns})"
        yield f"comment on table {relation} is {literal(self.description)}"
        for column in self.columns:
            yield (
                f"comment on column {relation}.{quoted(column.name)} "
                f"is {literal(column.description)}"
            )


@dataclass(frozen=True)
class Build:
    """What dbt wrote about its last invocation, the vault that it left, and the project now."""

    manifest: Json
    run_results: Json
    connection: duckdb.DuckDBPyConnection
    project: Json


@contextmanager
def open_vault(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """Connect to nothing, with the vault attached read-only; what spills stays beside the vault."""
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "temp_directory": str(home.ops / "tmp"),
        }
    )
    try:
        connection.execute("set TimeZone = 'UTC'")
        try:
            connection.execute(f"attach {literal(str(home.vault))} as vault (read_only)")
        except duckdb.Error:
            raise FlowgrainError(
                f"{home.vault} cannot be read: it is not there or another process writes it",
                "Run `flowgrain build`, or wait until the other process ends",
            ) from None
        expect_version(home, connection)
        yield connection
    finally:
        connection.close()


def read_build(home: Home, connection: duckdb.DuckDBPyConnection, project: Json) -> Build:
    """Read what the last invocation of dbt left in its target folder.

    `project` is the manifest of the project as it was just compiled and checked.
    """
    return Build(
        _read_json(home.target / "manifest.json"),
        _read_json(home.target / "run_results.json"),
        connection,
        project,
    )


def check_candidates(build: Build) -> list[str]:
    """Hold the build and its contracts against the rules; return the codes that passed."""
    try:
        return apply(RULES, build)
    except (AttributeError, KeyError, TypeError):
        raise FlowgrainError(
            "What dbt wrote about the last build is not of the form known here",
            BUILD_AGAIN,
            rule="B07",
        ) from None


def read_candidates(build: Build) -> tuple[Candidate, ...]:
    """Return the contracted tables of a build that passed, by name."""
    return tuple(
        Candidate(
            node["alias"],
            node.get("description") or "",
            tuple(
                Column(
                    column["name"],
                    published_type(column["data_type"]) or "",
                    column.get("description") or "",
                )
                for column in node["columns"].values()
            ),
            tuple((node["config"].get("meta") or {}).get("grain") or ()),
        )
        for node in offered(build.project)
    )


def manifest_hash(build: Build) -> str:
    """Hash what was built: code and contract of every node, but no time and no path."""
    content = {
        key: [node.get("checksum"), node.get("columns"), node["config"].get("contract")]
        for key, node in build.manifest["nodes"].items()
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _read_json(path: Path) -> Json:
    try:
        content: Json = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise FlowgrainError(f"{path} cannot be read", BUILD_AGAIN, rule="B07") from None
    return content


def _build_is_whole(build: Build) -> None:
    arguments = build.run_results.get("args", {})
    invocation = build.run_results["metadata"]["invocation_id"]
    whole = {
        "it was another command than `dbt build`": arguments.get("which") == "build",
        "manifest and results are of two invocations": (
            build.manifest["metadata"]["invocation_id"] == invocation
        ),
        "it was a part (--select)": (arguments.get("select") or []) in WHOLE_SELECTIONS,
        "it was a part (--selector)": not arguments.get("selector"),
        "it was a part (--exclude)": not arguments.get("exclude"),
        "it was a part (--resource-type)": not arguments.get("resource_types"),
        "it was a part (--exclude-resource-type)": (
            set(arguments.get("exclude_resource_types") or []) <= {"unit_test"}
        ),
        "it was --empty": not arguments.get("empty"),
        "it was a --sample": not arguments.get("sample"),
        "it deferred to another build": not arguments.get("defer"),
        "it kept rows that failed (--store-failures)": not arguments.get("store_failures"),
    }
    for why, holds in whole.items():
        if not holds:
            raise FlowgrainError(
                f"The last build was not a whole one: {why}", BUILD_AGAIN, rule="B07"
            )


def _build_succeeded(build: Build) -> None:
    statuses = {result["unique_id"]: result["status"] for result in build.run_results["results"]}
    # An exposure is named in the results and does nothing.
    failed = sum(
        status not in ("success", "pass", "warn")
        for key, status in statuses.items()
        if not key.startswith("exposure.")
    )
    if failed:
        raise FlowgrainError(
            f"The last build left {failed} nodes failed or skipped", BUILD_AGAIN, rule="B07"
        )
    needed = [
        key
        for key, node in build.manifest["nodes"].items()
        if node["resource_type"] in RELATIONS
        and node["config"].get("materialized") != "ephemeral"
        and node["config"].get("enabled", True)
    ]
    missing = sum(statuses.get(key) != "success" for key in needed)
    if missing:
        raise FlowgrainError(
            f"The last build did not reach {missing} nodes", BUILD_AGAIN, rule="B07"
        )


def _build_is_of_the_project(build: Build) -> None:
    """Refuse what was built from other code than was checked, or compiled to other SQL."""
    told = ("checksum", "compiled_code", "columns", "alias", "schema", "database", "language")
    built, now = (
        {
            key: [node.get(name) for name in told]
            for key, node in manifest["nodes"].items()
            if node["resource_type"] in RELATIONS
        }
        for manifest in (build.manifest, build.project)
    )
    changed = sum(built.get(key) != now.get(key) for key in built.keys() | now.keys())
    if changed:
        raise FlowgrainError(
            f"{changed} nodes are not what was built: the project changed since, or what it "
            "compiles to depends on when it is compiled",
            BUILD_AGAIN,
            rule="B07",
        )


def _are_tables(build: Build) -> None:
    connection = build.connection
    for node in offered(build.project):
        tables = connection.execute(
            """
            select count(*) from duckdb_tables()
            where database_name = 'vault' and schema_name = ? and table_name = ?
            """,
            [CANDIDATE_SCHEMA, node["alias"]],
        ).fetchone()
        if tables != (1,):
            raise refusal(
                "C02", node["name"], "*", 1, "is no table in the vault", "Publish plain tables only"
            )
        actual = _columns_in_vault(connection, node["alias"])
        if set(actual) != {column["name"] for column in node["columns"].values()}:
            raise refusal(
                "C02",
                node["name"],
                "*",
                len(set(actual) ^ {column["name"] for column in node["columns"].values()}),
                "columns of the table are not those of the contract",
                BUILD_AGAIN,
            )


def _types_are_published(build: Build) -> None:
    for node in offered(build.project):
        actual = _columns_in_vault(build.connection, node["alias"])
        for column in node["columns"].values():
            kind = published_type(column.get("data_type"))
            if kind is None or actual[column["name"]] != kind:
                raise refusal(
                    "C11",
                    node["name"],
                    column["name"],
                    1,
                    "the type is not one of text, date, bigint, integer, boolean and numeric",
                    "Declare and build one of these",
                )


def _is_of_one_clock(build: Build) -> None:
    clocks = [
        f"select as_of from vault.{CANDIDATE_SCHEMA}.{quoted(node['alias'])}"
        for node in offered(build.project)
        if "as_of" in node["columns"]
    ]
    if not clocks:
        return
    count = build.connection.execute(
        f"select count(distinct as_of) from ({' union all '.join(clocks)})"
    ).fetchone()
    if count and count[0] > 1:
        raise refusal(
            "B07",
            "candidates",
            "as_of",
            count[0],
            "the tables are of more than one build",
            BUILD_AGAIN,
        )


def _columns_in_vault(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    rows = connection.execute(
        """
        select column_name, data_type from duckdb_columns()
        where database_name = 'vault' and schema_name = ? and table_name = ?
        """,
        [CANDIDATE_SCHEMA, table],
    ).fetchall()
    return dict(rows)


RULES = (
    Rule("B07", _build_is_whole),
    Rule("B07", _build_succeeded),
    Rule("B07", _build_is_of_the_project),
    Rule("C02", _are_tables),
    Rule("C11", _types_are_published),
    Rule("B07", _is_of_one_clock),
)
