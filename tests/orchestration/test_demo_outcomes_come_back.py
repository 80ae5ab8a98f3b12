"""What demo.yml plants of initiatives comes back through landing, models, floor and gate."""

from collections.abc import Iterator

import duckdb
import pytest
from conftest import Lab

from orchestration.landing.demo import parameters

PLANTED = parameters()["initiatives"]
QUARTERS = parameters()["calendar"]["quarters"]


@pytest.fixture(scope="module")
def marts(lab: Lab) -> Iterator[duckdb.DuckDBPyConnection]:
    """What readers see."""
    with lab.published() as connection:
        yield connection


def told(
    marts: duckdb.DuckDBPyConnection, metric: str, value: str
) -> dict[str, set[tuple[float, float]]]:
    """Share and denominator per value stream, of every quarter that is told."""
    rows = marts.execute(
        """
        select grain_key, list((value, denominator)) from metric_observations
        where
            metric_key = ? and slice_value = ? and bucket = 'quarter'
            and grain = 'value_stream' and status = 'ok'
        group by grain_key having count(*) = ?
        """,
        [metric, value, QUARTERS],
    ).fetchall()
    return {key: {(float(v), float(d)) for v, d in pairs} for key, pairs in rows}


@pytest.mark.parametrize(
    ("metric", "share"), [("feature_factory_ratio", "without_outcome"), ("okr_linkage", "linked")]
)
def test_initiatives_come_back_as_planted(
    marts: duckdb.DuckDBPyConnection, metric: str, share: str
) -> None:
    """Planted by the quarter and in whole numbers: exactly, in each quarter of each stream."""
    planted = {key: {(row[share], float(row["per_quarter"]))} for key, row in PLANTED.items()}
    assert told(marts, metric, "all") == planted


@pytest.mark.parametrize("effect", ["reached", "missed", "unmeasured"])
def test_effects_come_back_as_planted(marts: duckdb.DuckDBPyConnection, effect: str) -> None:
    """Of the initiatives for which one was anticipated in numbers."""
    planted = {
        key: {(row["effects"][effect], row["per_quarter"] * (1 - row["without_outcome"]))}
        for key, row in PLANTED.items()
    }
    assert told(marts, "anticipated_vs_actual", effect) == planted


def test_the_portfolio_is_the_ratio_of_sums(marts: duckdb.DuckDBPyConnection) -> None:
    """Never the mean of its value streams' ratios."""
    rows = marts.execute(
        """
        select distinct numerator, denominator from metric_observations
        where
            metric_key = 'feature_factory_ratio' and grain = 'portfolio' and bucket = 'quarter'
            and status = 'ok'
        """
    ).fetchall()
    without = sum(row["per_quarter"] * row["without_outcome"] for row in PLANTED.values())
    total = sum(row["per_quarter"] for row in PLANTED.values())
    assert [(float(n), float(d)) for n, d in rows] == [(without, total)]
