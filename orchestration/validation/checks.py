"""The expectations as Dagster's asset checks: an error blocks what hangs on a table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from orchestration.errors import FlowgrainError
from orchestration.home import Home
from orchestration.validation.landed import Result, failed, held, validate

CHECK = "expectations"
DESCRIPTION = "What landed is what the contract says, and plausible (docs/validation.md)."


def check_specs(
    specs: Iterable[dg.AssetSpec], manifest: Mapping[str, Any]
) -> list[dg.AssetCheckSpec]:
    """One check per landed table; it blocks where a model reads the table."""
    read = tables_read(manifest)
    return [
        dg.AssetCheckSpec(
            CHECK,
            asset=spec.key,
            description=DESCRIPTION,
            blocking=(spec.key.path[0], spec.key.path[-1]) in read,
        )
        for spec in specs
    ]


def check_results(
    home: Home, specs: Sequence[dg.AssetSpec], manifest: Mapping[str, Any]
) -> Iterator[dg.AssetCheckResult]:
    """Validate what a source landed; counts are all that is shown of it.

    Raises dg.Failure, after the last result, where an error blocks: landing again what is as it is
    would help nobody, so no retry does. Raises FlowgrainError where an expectation could not be
    evaluated.
    """
    [source] = {spec.key.path[0] for spec in specs}
    results = validate(home, source) if home.vault.exists() else []
    for spec in specs:
        of_table = [result for result in results if result.entity == spec.key.path[-1]]
        errors, warnings = failed(of_table, "error"), failed(of_table, "warning")
        yield dg.AssetCheckResult(
            asset_key=spec.key,
            check_name=CHECK,
            passed=not errors and not warnings,
            severity=dg.AssetCheckSeverity.ERROR if errors else dg.AssetCheckSeverity.WARN,
            metadata={
                "expectations": len(of_table),
                "errors": len(errors),
                "warnings": len(warnings),
                **{f"rows against {r.name}": r.unexpected_count for r in (*warnings, *errors)},
            },
        )
    try:
        _refuse(failed(results, "error"), manifest)
    except FlowgrainError as error:
        raise dg.Failure(str(error), allow_retries=False) from error


def refuse_held(home: Home, manifest: Mapping[str, Any]) -> None:
    """Stop a build where an error stands of a table that a model reads, in whatever run it landed.

    Every model is made of all sources: there is nothing that could be built without the one.
    Raises FlowgrainError.
    """
    _refuse(held(home), manifest)


def _refuse(errors: Iterable[Result], manifest: Mapping[str, Any]) -> None:
    read = tables_read(manifest)
    told = [_said(result) for result in errors if (result.source, result.entity) in read]
    if told:
        raise FlowgrainError(
            f"Nothing is built on what is not as expected: {', '.join(told)}",
            "Land it anew once it is right, or accept it in expectations.yml",
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
