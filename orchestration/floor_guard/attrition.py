"""Rule O14: what is told of attrition, computed anew from headcounts and the told experience."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from math import exp, hypot, log, sqrt

import duckdb

from orchestration.floor_guard.calendar import STARTS
from orchestration.floor_guard.constants import (
    BANDED_YEARS,
    EXPERIENCE_THIRDS,
    HEADCOUNTS,
    OBSERVATIONS,
    PORTFOLIO_KEY,
    PRIOR_YEARS,
    SEEDS,
    SENSITIVE_BUCKET,
    SENSITIVE_CLASSES,
    SENSITIVE_GRAIN,
    SENSITIVE_METRICS,
    SENSITIVE_MINIMUM,
    THIRD_TEAMS,
    THIRDS_GAP,
    WHOLE,
)
from orchestration.floor_guard.rules import listed, refusal

Z = 1.959964
LOWEST, MIDDLE, HIGHEST = EXPERIENCE_THIRDS
THIRDS = "experience_third"
# The figures of one year: slice, value of the slice, statistic.
SERIES = (
    ("all", "all", "share"),
    *((THIRDS, third, "share") for third in EXPERIENCE_THIRDS),
    (THIRDS, THIRDS_GAP, "difference"),
)
FIGURES = ("value", "lower_bound", "upper_bound", "numerator", "denominator", "sample_size")


@dataclass(frozen=True)
class Part:
    """People of some teams in a year: person-years, and who left, by team."""

    years: tuple[float, ...]
    leavers: tuple[int, ...]

    @property
    def person_years(self) -> float:
        """All of them."""
        return sum(self.years)

    @property
    def left(self) -> int:
        """How many of them left."""
        return sum(self.leavers)

    @property
    def is_of_many(self) -> bool:
        """Whether it is of teams enough, and mostly of no one of them."""
        return len(self.years) >= THIRD_TEAMS and 2 * max(self.years) <= self.person_years

    def is_sound(self, minimum: int) -> bool:
        """Whether enough left, enough stayed, and who left is mostly no one team's."""
        first, second = sorted(self.leavers, reverse=True)[:2] if self.is_of_many else (0, 0)
        return (
            self.is_of_many
            and self.left >= minimum
            and self.person_years - self.left >= minimum
            and 2 * first <= self.left
            and 10 * (self.left - first - second) >= first
        )

    @property
    def is_low(self) -> bool:
        """Whether at most a tenth left, of so many that this is no fewer than ten."""
        return (
            self.is_of_many
            and self.person_years >= BANDED_YEARS
            and 10 * self.left <= self.person_years
        )


Key = tuple[str, str, str]
Figures = tuple[float | None, float, float, float | None, float | None, float]


def check_attrition(connection: duckdb.DuckDBPyConnection, observations: str, minimum: int) -> None:
    """Hold what is told of attrition against the gate's own figures.

    Reads the gate's table `metrics`. Raises FlowgrainError (O14) where something else is told than
    a calendar year of the portfolio by thirds of its teams, where a third is of too few people or
    teams, where a part of a year is told without the others, or where a figure is another.
    """
    strange = connection.execute(
        f"""
        select count(*) from {observations} as observations
        inner join metrics using (metric_key)
        where
            metrics.class in {listed(SENSITIVE_CLASSES)}
            and observations.status = 'ok'
            and not coalesce(
                metric_key in {listed(SENSITIVE_METRICS)}
                and grain = '{SENSITIVE_GRAIN}' and grain_key = '{PORTFOLIO_KEY}'
                and bucket = '{SENSITIVE_BUCKET}'
                and (slice, slice_value, statistic) in {SERIES},
                false
            )
        """
    ).fetchone()
    if strange and strange[0]:
        raise _refusal("grain", strange[0], "sensitive figures are none of a year's thirds")
    told: dict[date, dict[Key, tuple[float | None, ...]]] = defaultdict(dict)
    for start, slice_, slice_value, statistic, *figures in connection.execute(
        f"""
        select bucket_start, slice, slice_value, statistic,
            {", ".join(f"cast({name} as double)" for name in FIGURES)}
        from {observations} as observations
        inner join metrics using (metric_key)
        where metrics.class in {listed(SENSITIVE_CLASSES)} and observations.status = 'ok'
        """
    ).fetchall():
        told[start][slice_, slice_value, statistic] = tuple(figures)
    steps = connection.execute(
        f"select min(precision_step) from vault.{SEEDS}.metrics "
        f"where metric_key in {listed(SENSITIVE_METRICS)}"
    ).fetchone()
    for start, row in told.items():
        parts = _parts(connection, observations, start)
        expected = _expected(parts, max(SENSITIVE_MINIMUM, minimum))
        if not expected:
            raise _refusal("value", len(row), "years rest on too few who left, stayed or teams")
        if row.keys() != expected.keys():
            raise _refusal("slice_value", len(row), "a year tells parts without the others")
        step = float(steps[0]) if steps else 0.0
        wrong = sum(not _is_same(row[key], expected[key], step) for key in expected)
        if wrong:
            raise _refusal("value", wrong, "figures are not those of the headcounts")


def _refusal(column: str, count: int, why: str) -> Exception:
    return refusal("O14", OBSERVATIONS, column, count, why, "Let the floor withhold the whole year")


def _parts(
    connection: duckdb.DuckDBPyConnection, observations: str, start: date
) -> dict[str, Part]:
    """The thirds of a year that ends with a quarter, by the last experience told up to it."""
    year = start.isocalendar().year
    quarters = [date.fromisocalendar(year, first, 1) for first in STARTS["quarter"]]
    if start != quarters[-1]:
        return {}
    counted: dict[str, list[tuple[date, float, int]]] = defaultdict(list)
    for team, quarter, people, leavers in connection.execute(
        f"select team_key, quarter_start, people_count, leaver_count from vault.{HEADCOUNTS} "
        f"where quarter_start between ? and ?",
        [quarters[0], start],
    ).fetchall():
        counted[team].append((quarter, float(people), int(leavers)))
    scores = connection.execute(
        f"""
        select value, grain_key from {observations}
        where
            metric_key = 'driver_score' and slice_value = '{WHOLE}' and grain = 'team'
            and status = 'ok' and bucket_start = (
                select max(bucket_start) from {observations}
                where
                    metric_key = 'driver_score' and slice_value = '{WHOLE}' and grain = 'team'
                    and status = 'ok' and bucket_start <= ?
            )
        order by value, grain_key
        """,
        [start],
    ).fetchall()
    placed = [
        counted[team]
        for _, team in scores
        if sorted(quarter for quarter, _, _ in counted[team]) == quarters
        and any(people for _, people, _ in counted[team])
    ]
    # Where teams are no multiple of three, the first thirds have one more.
    cuts = [-(-len(placed) * number // 3) for number in range(4)]
    return {
        third: Part(
            tuple(sum(people for _, people, _ in team) / 4 for team in placed[begin:end]),
            tuple(sum(left for _, _, left in team) for team in placed[begin:end]),
        )
        for third, begin, end in zip(EXPERIENCE_THIRDS, cuts, cuts[1:], strict=False)
    }


def _expected(parts: dict[str, Part], minimum: int) -> dict[Key, Figures]:
    """The figures of a year; none where it may not be told."""
    whole = Part(
        tuple(years for part in parts.values() for years in part.years),
        tuple(left for part in parts.values() for left in part.leavers),
    )
    if parts and all(part.is_sound(minimum) for part in parts.values()):
        rate = whole.left / whole.person_years
        spread = sum(
            part.person_years * (part.person_years + PRIOR_YEARS) for part in parts.values()
        )
        variance = rate * (1 - rate) * spread / (PRIOR_YEARS + 1) / whole.person_years**2
        return {
            ("all", "all", "share"): _wilson(whole),
            **{
                (THIRDS, name, "share"): _shrunk(part, rate, variance)
                for name, part in parts.items()
            },
            (THIRDS, THIRDS_GAP, "difference"): _difference(
                parts[LOWEST], parts[HIGHEST], rate, variance
            ),
        }
    if parts and all(part.is_low for part in parts.values()):
        banded = {("all", "all", "share"): whole}
        banded |= {(THIRDS, name, "share"): part for name, part in parts.items()}
        return {
            key: (None, 0.0, 0.1, None, None, part.person_years) for key, part in banded.items()
        }
    return {}


def _shrunk(part: Part, rate: float, rate_variance: float) -> Figures:
    """Mean and 95 % range of a third's beta posterior, whose prior's mean is an estimate too."""
    gone = part.left + PRIOR_YEARS * rate
    stayed = part.person_years - part.left + PRIOR_YEARS * (1 - rate)
    value = gone / (gone + stayed)
    odds = log((gone - 0.5) / (stayed - 0.5))
    slope = PRIOR_YEARS / (part.person_years + PRIOR_YEARS) / value / (1 - value)
    half = Z * sqrt(1 / (gone - 0.5) + 1 / (stayed - 0.5) + slope**2 * rate_variance)
    lower, upper = (1 / (1 + exp(-odds - side * half)) for side in (-1, 1))
    return value, lower, upper, part.left, part.person_years, part.person_years


def _wilson(part: Part) -> Figures:
    """Share of the whole with Wilson's range."""
    count = part.person_years
    share, extra = part.left / count, Z * Z / count
    reach = Z * sqrt(share * (1 - share) / count + extra / count / 4)
    lower, upper = ((share + extra / 2 + side * reach) / (1 + extra) for side in (-1, 1))
    return share, lower, upper, part.left, count, count


def _difference(first: Part, second: Part, rate: float, rate_variance: float) -> Figures:
    """By how much a third is above another: what is uncertain in the prior moves both."""
    above, high, highest, *_ = _shrunk(first, rate, 0)
    below, low, lowest, *_ = _shrunk(second, rate, 0)
    weights = [PRIOR_YEARS / (part.person_years + PRIOR_YEARS) for part in (first, second)]
    shared = Z * (weights[0] - weights[1]) * sqrt(rate_variance)
    gap = float(above or 0) - float(below or 0)
    lower = gap - hypot(float(above or 0) - high, lowest - float(below or 0), shared)
    upper = gap + hypot(highest - float(above or 0), float(below or 0) - low, shared)
    return gap, lower, upper, None, None, first.person_years + second.person_years


def _is_same(told: tuple[float | None, ...], expected: Figures, step: float) -> bool:
    """Whether figures are the same but for how they were cut."""
    allowed = (step / 2, step, step, 0.5, 0.5, 0.5)
    return all(
        (one is None) == (other is None)
        and (one is None or other is None or abs(one - other) <= most + 1e-5)
        for one, other, most in zip(told, expected, allowed, strict=True)
    )
