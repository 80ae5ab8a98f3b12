"""The Kaplan-Meier median of the floor against an implementation of its own, and its coverage.

Written from Kaplan and Meier (1958), Greenwood (1926) and Brookmeyer and Crowley (1982) on the
log-log scale, with exact fractions where the model has sums of logarithms.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import exp, log, sqrt

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from conftest import Lab
from numpy.typing import NDArray

Z = 1.959963985
HOUR = 3600
# Freireich et al. (1963), weeks in remission: 21 patients with 6-mercaptopurine, 21 without.
WITH_6MP = [
    *((weeks, True) for weeks in (6, 6, 6, 7, 10, 13, 16, 22, 23)),
    *((weeks, False) for weeks in (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)),
]
PLACEBO = [
    (weeks, True)
    for weeks in (1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23)
]
Subjects = list[tuple[int, bool]]
Median = tuple[float | None, float | None, float | None]


def curve(subjects: Subjects) -> list[tuple[int, Fraction, Fraction | None]]:
    """Times of the events, the share that survives each, and Greenwood's sum; none at nothing."""
    share, variance, found = Fraction(1), Fraction(0), []
    for time in sorted({time for time, ended in subjects if ended}):
        at_risk = sum(other >= time for other, _ in subjects)
        ended = sum(other == time and is_event for other, is_event in subjects)
        share *= 1 - Fraction(ended, at_risk)
        if share:
            variance += Fraction(ended, at_risk * (at_risk - ended))
        found.append((time, share, variance if share else None))
    return found


def median(subjects: Subjects) -> Median:
    """The first time at which no more than half survives, and those of the two limits."""

    def first(limit: float | None) -> float | None:
        for time, share, variance in curve(subjects):
            if limit is None:
                at_limit: float | None = float(share)
            elif variance is None:
                at_limit = None
            else:
                spread = sqrt(variance) / -log(share)
                at_limit = float(share) ** exp(limit * Z * spread)
            if at_limit is not None and at_limit <= 0.5 + 1e-10:
                return float(time)
        return None

    return first(None), first(1), first(-1)


@dataclass(frozen=True)
class Model:
    """The compiled model on a database in memory."""

    connection: duckdb.DuckDBPyConnection
    sql: str

    def medians(self, cells: list[Subjects]) -> list[Median]:
        """Put subjects into cells; times are hours."""
        flat = [(cell, time, ended) for cell, group in enumerate(cells) for time, ended in group]
        return self.of(
            np.array([cell for cell, _, _ in flat]),
            np.array([time * HOUR for _, time, _ in flat]),
            np.array([ended for _, _, ended in flat]),
            len(cells),
        )

    def of(
        self,
        cell: NDArray[np.int64],
        seconds: NDArray[np.int64],
        ended: NDArray[np.bool_],
        count: int,
    ) -> list[Median]:
        """Compute the median and limits of each cell, in hours."""
        started = pa.table(
            {
                "team_key": cell.astype(str),
                "followed_seconds": seconds.astype(np.int64),
                "is_deployed": ended.astype(bool),
                "author_key": np.arange(len(cell)).astype(str),
            }
        )
        self.connection.register("started", started)
        self.connection.execute(
            """
            create or replace table vault.flowgrain_vault.int_started_work as
            select
                *, 'human' as author_kind, 'quarter' as bucket, date '2026-03-30' as bucket_start,
                team_key as value_stream_key, team_key as system_key
            from started
            """
        )
        rows = self.connection.execute(
            f"""
            select cast(grain_key as bigint), cast(value as double), cast(lower_bound as double),
                cast(upper_bound as double)
            from ({self.sql}) where grain = 'team'
            """
        ).fetchall()
        found: dict[int, Median] = {key: (value, low, high) for key, value, low, high in rows}
        return [found.get(number, (None, None, None)) for number in range(count)]


@pytest.fixture(scope="module")
def model(lab: Lab) -> Iterator[Model]:
    """The model of the built project."""
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as vault")
    connection.execute("create schema vault.flowgrain_vault")
    yield Model(connection, lab.models["observed_survival"]["compiled_code"])
    connection.close()


def test_the_textbook_trial_comes_back(model: Model) -> None:
    """Medians of 23 and 8 weeks, as every textbook on survival has them; of 23 no upper limit."""
    treated, placebo = model.medians([WITH_6MP, PLACEBO])
    assert treated == (23, 13, None)
    assert placebo == (8, 4, 11)


def test_the_textbook_curve_is_the_independent_one() -> None:
    """Published shares after 6, 7, 10, 13, 16, 22 and 23 weeks, so that this judge is one."""
    published = [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]
    found = [float(share) for _, share, _ in curve(WITH_6MP)]
    assert found == pytest.approx(published, abs=0.00005)


def test_the_model_is_the_independent_implementation(model: Model) -> None:
    """On small cells full of ties, all censored, none censored, and the last one an event."""
    rng = np.random.default_rng(58)
    cells: list[Subjects] = [
        [(5, False)] * 20,
        [(5, True)] * 20,
        [(number, True) for number in range(1, 21)],
        [*((number, False) for number in range(1, 20)), (20, True)],
    ]
    for _ in range(400):
        size = int(rng.integers(1, 40))
        times = rng.integers(1, 30, size).tolist()
        ended = (rng.random(size) < rng.random()).tolist()
        cells.append(list(zip(times, ended, strict=True)))
    for found, subjects in zip(model.medians(cells), cells, strict=True):
        assert found == median(subjects), subjects


@pytest.mark.parametrize(("size", "least", "greatest"), [(20, 0.92, 0.98), (100, 0.94, 0.97)])
def test_the_range_holds_the_median_of_work_that_is_cut_off(
    model: Model, size: int, least: float, greatest: float
) -> None:
    """Started at random in a quarter of 2184 hours, log-normal with a median of 600 hours."""
    count, true, quarter = 4000, 600 * HOUR, 2184 * HOUR
    rng = np.random.default_rng([1958, size])
    room = rng.uniform(0, quarter, count * size)
    times = rng.lognormal(np.log(true), 0.8, count * size)
    medians = model.of(
        np.repeat(np.arange(count), size),
        np.minimum(times, room).astype(np.int64),
        times <= room,
        count,
    )
    # A limit that is not reached is none that fails to hold.
    held = [
        (low is None or low * HOUR <= true) and (high is None or true <= high * HOUR)
        for _, low, high in medians
    ]
    assert least <= sum(held) / count <= greatest, sum(held) / count
    # What peers tell, the median of what is finished, is far too short.
    finished = np.median(times[times <= room])
    assert finished < 0.85 * true
