"""Expectation suites of Great Expectations, and the checkpoint that runs them on counts.

A batch is one row of shares: how many of an entity's rows break each rule. So no value of a row
reaches Great Expectations, and a million rows cost it no more than one.
"""

from collections.abc import Mapping
from typing import Any

import great_expectations as gx
import pandas as pd
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.data_context import EphemeralDataContext
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.expectations import ExpectColumnValuesToBeBetween
from great_expectations.expectations.metadata_types import FailureSeverity

from orchestration.errors import FlowgrainError
from orchestration.landing.contract import entities
from orchestration.validation.counting import Count, Rule
from orchestration.validation.rules import Settings, rules

SEVERITIES = {"error": FailureSeverity.CRITICAL, "warning": FailureSeverity.WARNING}


def suite(source: str, entity: str, said: Settings | None = None) -> gx.ExpectationSuite:
    """Make the suite of a landed entity from the contract of its source and the settings.

    Raises FlowgrainError where the settings name what the contract does not have.
    """
    return _suite(f"{source}.{entity}", rules(source, entities(source)[entity], said))


def in_memory(**more: Any) -> EphemeralDataContext:
    """Start Great Expectations so that it keeps nothing and tells nobody."""
    return gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            # By default it makes a folder for pages of results wherever temporary files are.
            store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
            progress_bars=ProgressBarsConfig(globally=False),
            analytics_enabled=False,
            **more,
        ),
    )


class Checkpoints:
    """Runs a checkpoint per table, with what one `in_memory` knows."""

    def __init__(self, context: EphemeralDataContext) -> None:
        """Batches are counts that DuckDB made."""
        self._context = context
        self._counts = context.data_sources.add_pandas("counts")

    def hold(self, name: str, of_table: list[Rule], counts: Mapping[str, Count]) -> list[bool]:
        """Say of each rule of a table whether its count is as expected.

        Raises FlowgrainError where Great Expectations could not tell: that is a fault of ours, and
        says nothing of the data.
        """
        # What is asked of no row, or of too few, is not broken.
        asked = [r for r in of_table if counts[r.measure][1] >= max(r.least_rows, 1)]
        if not asked:
            return [True] * len(of_table)
        asset = self._counts.add_dataframe_asset(name)
        definition = gx.ValidationDefinition(
            name=name,
            data=asset.add_batch_definition_whole_dataframe("shares"),
            suite=self._context.suites.add(_suite(name, asked)),
        )
        batch = pd.DataFrame([{name: broken / of for name, (broken, of) in counts.items() if of}])
        done = gx.Checkpoint(
            name=name,
            validation_definitions=[self._context.validation_definitions.add(definition)],
            result_format="BOOLEAN_ONLY",
        ).run(batch_parameters={"dataframe": batch})
        [of_suite] = done.run_results.values()
        told = dict(zip(asked, _told(name, asked, of_suite.results), strict=True))
        return [told.get(rule, True) for rule in of_table]


def _suite(name: str, of_table: list[Rule]) -> gx.ExpectationSuite:
    return gx.ExpectationSuite(
        name=name,
        expectations=[
            ExpectColumnValuesToBeBetween(
                column=rule.measure,
                # A rule without a threshold allows no exception; a threshold counts as reached.
                max_value=rule.threshold or 0,
                strict_max=rule.threshold is not None,
                severity=SEVERITIES[rule.severity],
                description=rule.sentence,
                meta={"rule": rule.name, "columns": list(rule.columns)},
            )
            for rule in of_table
        ],
    )


def _told(
    name: str, of_table: list[Rule], results: list[ExpectationValidationResult]
) -> list[bool]:
    """Find the result of each rule: they come in another order, and without those that vanished."""
    by_expectation = {}
    for result in results:
        if (expected := result.expectation_config) is not None:
            kwargs = expected.kwargs
            key = (kwargs["column"], kwargs["max_value"], FailureSeverity(expected.severity))
            by_expectation[key] = result
    told = []
    for rule in of_table:
        found = by_expectation.get((rule.measure, rule.threshold or 0, SEVERITIES[rule.severity]))
        if found is None or _has_crashed(found):
            raise FlowgrainError(
                f"{name}: the expectation {rule.measure} could not be evaluated",
                "This says nothing of what landed: run `flowgrain validate` again, report it if "
                "it stays",
            )
        told.append(bool(found.success))
    return told


def _has_crashed(result: ExpectationValidationResult) -> bool:
    """Whether an exception stands behind a result: of the expectation, or of one of its metrics."""
    info = result.exception_info or {}
    infos = [info] if "raised_exception" in info else list(info.values())
    return any(each.get("raised_exception") for each in infos)
