"""The expectations as Dagster's asset checks: an error blocks what hangs on a table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from orchestration.errors import FlowgrainError
from orchestration.home import Home
from orchestration.validation.landed import failed, refuse_errors, tables_read, validate

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
        refuse_errors(failed(results, "error"), manifest)
    except FlowgrainError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
