"""Holds what a source landed against what is expected, and keeps what came of it: counts only."""

import csv
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.build import dbt_environment
from orchestration.errors import FlowgrainError
from orchestration.home import PROJECT, Home
from orchestration.landing.contract import SOURCES, Entity, entities
from orchestration.landing.vault import read_vault
from orchestration.validation.counting import Count, Rule, Severity, counted
from orchestration.validation.rules import Settings, digest, rules, seeded


@dataclass(frozen=True)
class Result:
    """What one expectation of an entity came to; counts, never a value."""

    source: str
    entity: str
    expectation: str
    column: str
    severity: Severity
    success: bool
    unexpected_count: int
    element_count: int

    @property
    def name(self) -> str:
        """As the settings call it where it is accepted."""
        return f"{self.expectation} {self.column}".strip()


def validate(home: Home, source: str, said: Settings | None = None) -> list[Result]:
    """Hold every entity of a source against its suite; write the results to the vault's ops.

    Raises FlowgrainError where nothing has landed, where the vault is in use, or where an
    expectation could not be evaluated: none of these says anything of what landed.
    """
    with home.writing():
        return _validate(home, source, said)


def _validate(home: Home, source: str, said: Settings | None) -> list[Result]:
    results: list[Result] = []
    with _open(home) as vault:
        for name, values in _seeded(home, said).items():
            vault.register(name, pa.table({"value": pa.array(values, pa.string())}))
        load_id = _newest_load(vault, source)
        if load_id:
            results = _of_entities(vault, source, said)
    _keep(home, source, {"load_id": load_id, "expected": _expected(home, source, said)}, results)
    return results


def _of_entities(
    vault: duckdb.DuckDBPyConnection, source: str, said: Settings | None
) -> list[Result]:
    # Loaded where it is used: it takes as long as all else that a command loads.
    from orchestration.validation.suites import Checkpoints, in_memory

    checkpoints = Checkpoints(in_memory())
    results: list[Result] = []
    delivered = vault.execute(
        "select distinct entity from door.load_counts where source = ?", [source]
    ).fetchall()
    # Of what a source never delivers nothing is expected.
    for entity in (e for e in entities(source).values() if (e.name,) in delivered):
        of_entity = rules(source, entity, said)
        counts = counted(vault, of_entity)
        told = checkpoints.hold(f"{source}.{entity.name}", of_entity, counts)
        results += _results(source, entity, of_entity, counts, told)
    return results


def held(home: Home, said: Settings | None = None) -> list[Result]:
    """Errors of every source: for their sake nothing may be built on what landed.

    A source is validated anew where something has landed since it was, or something else is
    expected of it. To be called under the writer's lock. Raises as `validate` does.
    """
    errors: list[Result] = []
    for source in SOURCES:
        with _open(home) as vault:
            now: dict[str, object] = {
                "load_id": _newest_load(vault, source),
                "expected": _expected(home, source, said),
            }
        kept = _kept(home, source, now)
        errors += failed(_validate(home, source, said) if kept is None else kept, "error")
    return errors


def refuse_held(home: Home, manifest: Mapping[str, Any]) -> None:
    """Stop a build where an error stands of a table that a model reads, in whatever run it landed.

    Every model is made of all sources: there is nothing that could be built without the one.
    To be called under the writer's lock. Raises FlowgrainError.
    """
    refuse_errors(held(home), manifest)


def refuse_errors(errors: Iterable[Result], manifest: Mapping[str, Any]) -> None:
    """Raise FlowgrainError where one of these errors is of a table that a model reads."""
    read = tables_read(manifest)
    told = [_said(result) for result in errors if (result.source, result.entity) in read]
    if told:
        raise FlowgrainError(
            f"Nothing is built on what is not as expected: {', '.join(told)}",
            "Land it anew once it is right, or accept it (docs/validation.md)",
        )


def tables_read(manifest: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Source and name of the landed tables that a model reads."""
    return {
        (props["source_name"], props["name"])
        for unique_id, props in manifest["sources"].items()
        if any(child.startswith("model.") for child in manifest["child_map"][unique_id])
    }


def _said(result: Result) -> str:
    return (
        f"{result.source}.{result.entity} {result.name} "
        f"({result.unexpected_count:,} of {result.element_count:,})"
    )


def _kept(home: Home, source: str, now: dict[str, object]) -> list[Result] | None:
    """What came of the last validation, where it was of what has landed by now."""
    try:
        document = json.loads(_path(home, source).read_text(encoding="utf-8"))
        results = [Result(**row) for row in document["results"]]
    # Nothing was kept, or another release kept it in a form of its own.
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return results if {name: document.get(name) for name in now} == now else None


def failed(results: list[Result], severity: Severity) -> list[Result]:
    """Results of a severity that are not as expected."""
    return [result for result in results if result.severity == severity and not result.success]


def _results(
    source: str,
    entity: Entity,
    of_entity: list[Rule],
    counts: dict[str, Count],
    told: list[bool],
) -> Iterator[Result]:
    for rule, success in zip(of_entity, told, strict=True):
        broken, asked = counts[rule.measure]
        column = " ".join(rule.columns)
        yield Result(source, entity.name, rule.name, column, rule.severity, success, broken, asked)


def _expected(home: Home, source: str, said: Settings | None) -> str:
    """Tell one state of what is expected from another: of the rules, and of the names known."""
    return sha256(repr((digest(source, said), _seeded(home, said))).encode()).hexdigest()


def _seeded(home: Home, said: Settings | None) -> dict[str, list[str]]:
    """Names that the organisation's seeds know, by the table that holds them."""
    folder = PROJECT / dbt_environment(home)["FLOWGRAIN_ORGANISATION"]
    known = {}
    for table, (seed, column) in seeded(said).items():
        path = folder / f"{seed}.csv"
        try:
            with path.open(newline="", encoding="utf-8-sig") as file:
                known[table] = sorted({(row[column] or "").strip() for row in csv.DictReader(file)})
        except (OSError, UnicodeDecodeError, csv.Error, KeyError):
            raise FlowgrainError(
                f"{path.name} of the organisation has no column {column} that can be read",
                "Set FLOWGRAIN_ORGANISATION to a folder that `flowgrain init` drafted, "
                "or let it add the file",
            ) from None
    return known


@contextmanager
def _open(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    if not home.vault.exists():
        raise FlowgrainError(
            "Nothing has landed yet", "Run `flowgrain land demo`, or land your own sources first"
        )
    with read_vault(home) as vault:
        yield vault


def _newest_load(vault: duckdb.DuckDBPyConnection, source: str) -> str | None:
    """The last load and when one last brought something: a replay mends an old one."""
    found = vault.execute(
        """
        select case when count(*) > 0 then concat(max(load_id), ' ', max(landed_at)) end
        from door.loads where source = ?
        """,
        [source],
    ).fetchone()
    return found[0] if found else None


def _path(home: Home, source: str) -> Path:
    return home.ops / "validations" / f"{source}.json"


def _keep(home: Home, source: str, now: dict[str, object], results: list[Result]) -> None:
    """Write the results of the newest validation over those before, whole or not at all."""
    path = _path(home, source)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    document = {"source": source, **now, "results": [asdict(result) for result in results]}
    aside = path.with_suffix(".next")
    aside.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    os.replace(aside, path)
