"""Compiled models as tables of one vault, built without dbt: small, and within a second or two."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from orchestration.home import PROJECT, Home
from orchestration.landing.door import open_vault

Row = tuple[Any, ...]


class ModelLab:
    """A vault, and the project's models, seeds and data tests as dbt compiled them."""

    def __init__(self, manifest: Mapping[str, Any], root: Path) -> None:
        """Open an empty vault, or one in which something landed; its file must bear its name."""
        self.nodes: dict[str, Any] = dict(manifest["nodes"])
        self.keys = {
            node["name"]: key
            for key, node in self.nodes.items()
            if node["resource_type"] in ("model", "seed")
        }
        self.vault: duckdb.DuckDBPyConnection = open_vault(Home(root).prepare())
        self.built: set[str] = set()
        for node in self.nodes.values():
            self.vault.execute(f'create schema if not exists "{node["schema"]}"')

    def land(self, entity: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Put rows into a table of the files source as if they had landed; the rest is null."""
        for row in rows:
            names = ", ".join(f'"{name}"' for name in row)
            marks = ", ".join("?" * len(row))
            self.vault.execute(
                f'insert into raw_files."{entity}" ({names}) values ({marks})', list(row.values())
            )

    def loaded_to(self, moment: str) -> None:
        """Say up to when everything has landed."""
        self.vault.execute("delete from door.connections")
        self.vault.execute(
            f"insert into door.connections values ('files', 'files', null, timestamp '{moment}', "
            f"timestamp '{moment}')"
        )

    def build(self, *names: str) -> None:
        """Build models, and whatever they read that was not built yet."""
        for name in names:
            self._build(self.keys[name])

    def forget(self) -> None:
        """Take all for outdated that what landed had a part in."""
        self.built = {key for key in self.built if not self._reads_sources(key)}

    def data_tests(self) -> list[Mapping[str, Any]]:
        """Data tests of which everything that they read is built."""
        return [
            node
            for node in self.nodes.values()
            if node["resource_type"] == "test" and set(self._parents(node)) <= self.built
        ]

    def failures(self) -> list[str]:
        """Names of those that found a row."""
        return [
            test["name"]
            for test in self.data_tests()
            if self.rows(f"select 1 from ({test['compiled_code']}) limit 1")
        ]

    def rows(self, sql: str) -> list[Row]:
        """Rows of the vault."""
        return self.vault.execute(sql).fetchall()

    def _parents(self, node: Mapping[str, Any]) -> list[str]:
        return [key for key in node["depends_on"].get("nodes", ()) if key in self.nodes]

    def _reads_sources(self, key: str) -> bool:
        node = self.nodes[key]
        reads = node["depends_on"].get("nodes", ())
        return any(parent.startswith("source.") for parent in reads) or any(
            self._reads_sources(parent) for parent in self._parents(node)
        )

    def _build(self, key: str) -> None:
        if key in self.built:
            return
        node = self.nodes[key]
        for parent in self._parents(node):
            self._build(parent)
        if node["resource_type"] == "seed":
            types = ", ".join(
                f"'{name}': '{kind}'" for name, kind in node["config"]["column_types"].items()
            )
            path = PROJECT / node["original_file_path"]
            query = f"from read_csv('{path}', header = true, types = {{{types}}})"
            kind = "table"
        else:
            query, kind = node["compiled_code"], node["config"]["materialized"]
        self.vault.execute(f"create or replace {kind} {node['relation_name']} as {query}")
        self.built.add(key)
