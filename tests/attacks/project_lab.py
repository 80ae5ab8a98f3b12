"""The compiled project, and the means to spoil it in one place without compiling it again."""

import copy
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from orchestration.floor_guard import taint
from orchestration.floor_guard.project import check_project
from orchestration.floor_guard.rules import Finding
from orchestration.home import PROJECT

Json = dict[str, Any]
REF = re.compile(r"\{\{\s*(ref|source)\(([^)]*)\)\s*\}\}")
SCHEMAS = {"marts": "flowgrain_candidate", "vault": "flowgrain_vault", "floor": "flowgrain_floor"}

_READ: dict[Any, taint.Reading] = {}
_read_model = taint.read_model


def _read_once(
    sql: str, dialect: str, relations: Mapping[str, taint.Relation], *, is_guard: bool = False
) -> taint.Reading:
    """An attack changes one model of a hundred: the others tell what they told before."""
    known = tuple(
        (name, tuple(sorted(relation.columns.items())), relation.grain)
        for name, relation in sorted(relations.items())
    )
    key = sql, dialect, known, is_guard
    if key not in _READ:
        _READ[key] = _read_model(sql, dialect, relations, is_guard=is_guard)
    return _READ[key]


class ProjectLab:
    """dbt's manifest of the honest project, to which an attack is added."""

    def __init__(self, manifest: Json, root: Path = PROJECT) -> None:
        """Take a manifest that others go on using: what is changed is copied first."""
        self.manifest = {**manifest, "nodes": dict(manifest["nodes"])}
        for kind in ("sources", "macros", "exposures", "groups", "unit_tests"):
            self.manifest[kind] = dict(manifest.get(kind, {}))
        self.root = root

    def find(self, name: str, kind: str = "nodes") -> str:
        """Id of what bears this name."""
        found = [
            key
            for key, node in self.manifest[kind].items()
            if node["name"] == name and node["resource_type"] not in ("test", "unit_test")
        ]
        assert len(found) == 1, (name, found)
        return found[0]

    def node(self, name: str, kind: str = "nodes") -> Json:
        """A copy of a node of its own, in the place of the honest one."""
        key = self.find(name, kind)
        self.manifest[kind][key] = copy.deepcopy(self.manifest[kind][key])
        node: Json = self.manifest[kind][key]
        return node

    def add(
        self, name: str, sql: str, *, zone: str = "marts", types: dict[str, str] | None = None,
        **config: Any,
    ) -> Json:  # fmt: skip
        """Add a model as an analytics engineer would: SQL with ref(), and a contract."""
        parents: list[str] = []

        def relation(call: re.Match[str]) -> str:
            names = re.findall(r"'([^']*)'", call[2])
            kind = "nodes" if call[1] == "ref" else "sources"
            key = self._source(*names) if kind == "sources" else self.find(names[0])
            parents.append(key)
            return str(self.manifest[kind][key]["relation_name"])

        compiled = REF.sub(relation, sql)
        columns = types or dict.fromkeys(_columns_of(compiled), "string")
        node: Json = {
            "resource_type": "model",
            "name": name,
            "alias": name,
            "package_name": "flowgrain",
            "original_file_path": f"models/{zone}/{name}.sql",
            "fqn": ["flowgrain", zone, "flow", name],
            "database": "vault",
            "schema": SCHEMAS[zone],
            "relation_name": f'"vault"."{SCHEMAS[zone]}"."{name}"',
            "language": "sql",
            "raw_code": sql,
            "compiled_code": compiled,
            "description": "One row per attack.",
            "depends_on": {"nodes": parents, "macros": []},
            "columns": {
                column: {"name": column, "data_type": kind, "config": {"meta": {}}}
                for column, kind in columns.items()
            },
            "config": {
                "group": "published" if zone == "marts" else "vault",
                "access": "public" if zone == "marts" else "private",
                "materialized": "table",
                "contract": {"enforced": zone == "marts"},
                "meta": {},
                **config,
            },
        }
        self.manifest["nodes"][f"model.flowgrain.{name}"] = node
        return node

    def add_macro(self, name: str, sql: str) -> Json:
        """Add a macro to the project."""
        macro = {
            "resource_type": "macro",
            "name": name,
            "package_name": "flowgrain",
            "original_file_path": f"macros/{name}.sql",
            "macro_sql": sql,
            "depends_on": {"macros": []},
        }
        self.manifest["macros"][f"macro.flowgrain.{name}"] = macro
        return macro

    def own_seeds(self, folder: Path) -> Path:
        """Copy the seeds, so that an attack may change one; returns their folder."""
        shutil.copytree(PROJECT / "seeds", folder / "seeds")
        self.root = folder
        return folder / "seeds"

    def findings(self) -> list[Finding]:
        """Everything that the check has to say."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(taint, "read_model", _read_once)
            return check_project(self.manifest, self.root)

    def _source(self, source: str, table: str) -> str:
        return f"source.flowgrain.{source}.{table}"


def _columns_of(sql: str) -> list[str]:
    tree = sqlglot.parse(sql, read="duckdb")[0]
    names = tree.named_selects if isinstance(tree, exp.Query) else []
    return [name for name in names if name and name != "*"]
