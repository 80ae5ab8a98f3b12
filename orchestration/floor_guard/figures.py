"""Rules B01, B05, O06, O12, O15, O16, V06: what one published row is, and what it may hold."""

from dataclasses import dataclass

import duckdb

from orchestration.floor_guard.calendar import bucket_start
from orchestration.floor_guard.candidates import Candidate
from orchestration.floor_guard.constants import (
    INDEX_BUCKET,
    INDEX_GRAIN,
    INDEX_STEP,
    KNOWLEDGE_METRICS,
    OBSERVATIONS,
    PARTED_SLICES,
    SEEDS,
    SIGNED_STATISTICS,
    SURVEY_CLASSES,
    USE_METRICS,
    WHOLES,
)
from orchestration.floor_guard.rules import Rule, apply, listed, quoted, refusal

# A weekly rate is finer than the count that it is made of; a mean is no finer than a tenth.
TENTH = 0.1
SHARES = ("ratio", "share")
FIGURES = ("value", "lower_bound", "upper_bound")


@dataclass(frozen=True)
class Figures:
    """The candidates, and a connection to the vault that they are read from."""

    connection: duckdb.DuckDBPyConnection
    candidates: tuple[Candidate, ...]

    @property
    def observations(self) -> str | None:
        """Relation of the observations, where they are offered."""
        return next((t.relation for t in self.candidates if t.name == OBSERVATIONS), None)

    def count(self, query: str) -> int:
        """Return the one number that a query gives."""
        row = self.connection.execute(query).fetchone()
        return int(row[0]) if row else 0


def check_figures(
    connection: duckdb.DuckDBPyConnection, candidates: tuple[Candidate, ...]
) -> list[str]:
    """Hold rows and numbers against the rules; return the codes that passed."""
    return apply(RULES, Figures(connection, candidates))


def _rows_are_of_the_declared_grain(figures: Figures) -> None:
    """One row per declared key: a second row of one cell would be somebody's part of it."""
    for table in figures.candidates:
        if not table.grain or not set(table.grain) <= table.names():
            raise refusal(
                "B01", table.name, "*", 1, "declares no grain of its own columns",
                "Name the columns in config.meta.grain",
            )  # fmt: skip
        key = ", ".join(quoted(name) for name in table.grain)
        nulls = " or ".join(f"{quoted(name)} is null" for name in table.grain)
        doubled = figures.count(
            f"select count(*) from (select 1 from {table.relation} group by {key} "
            "having count(*) > 1)"
        )
        unnamed = figures.count(f"select count(*) from {table.relation} where {nulls}")
        for count, why in ((doubled, "keys have more than one row"), (unnamed, "keys are null")):
            if count:
                raise refusal("B01", table.name, "*", count, why, "Group by the declared grain")


def _numbers_are_in_range(figures: Figures) -> None:
    """Only a trend is below nothing, no share above one, and a range holds its value."""
    if figures.observations:
        count = figures.count(
            f"""
            select count(*) from {figures.observations}
            where
                least(numerator, denominator, sample_size) < 0
                -- A gap is from nothing on either side: of what there is, all can be missing.
                or (
                    statistic not in {SIGNED_STATISTICS}
                    and least(value, lower_bound) < case when statistic = 'gap' then -1 else 0 end
                )
                or lower_bound > value or upper_bound < value
                or (statistic in {SHARES} and greatest(value, lower_bound, upper_bound) > 1)
            """
        )
        if count:
            raise refusal(
                "B05", OBSERVATIONS, "value", count, "figures lie outside what they can be",
                "Put the measurement right, or its range",
            )  # fmt: skip


def _bands_are_wide(figures: Figures) -> None:
    """What too few people are behind is told as the band that the standard knows, not closer.

    Who uses a tool has bands of its own (check_use), and so has a bus factor (check_knowledge).
    """
    if figures.observations:
        count = figures.count(
            f"""
            select count(*) from {figures.observations}
            where
                status = 'ok' and value is null
                and metric_key not in {listed((*USE_METRICS, *KNOWLEDGE_METRICS))}
                and not coalesce((lower_bound, upper_bound) in ((0, 0.1), (0.9, 1)), false)
            """
        )
        if count:
            raise refusal(
                "O15", OBSERVATIONS, "value", count, "bands are not those of the standard",
                "Tell 0 to 0.1 or 0.9 to 1, or withhold it",
            )  # fmt: skip


def _bands_stand_alone(figures: Figures) -> None:
    """Beside exact shares of one quarter a band is an equation: the sums of both are told.

    A survey tells no sums, and how many answered by bands only.
    """
    if figures.observations:
        rows = figures.connection.execute(
            f"""
            select distinct
                observations.metric_key, slice, slice_value, statistic, bucket_start,
                value is null as is_band
            from {figures.observations} as observations
            inner join vault.{SEEDS}.metrics as metrics
                on observations.metric_key = metrics.metric_key
            where
                status = 'ok'
                and statistic in ('share', 'mean')
                and metrics.class not in {listed(SURVEY_CLASSES)}
            """
        ).fetchall()
        bands, exact = (
            {(*series, bucket_start(day, "quarter")) for *series, day, band in rows if band == kind}
            for kind in (True, False)
        )
        if bands & exact:
            raise refusal(
                "O15", OBSERVATIONS, "value", len(bands & exact),
                "quarters of a share tell bands and exact figures beside each other",
                "Let the floor withhold the bands of such a quarter",
            )  # fmt: skip


def _wholes_are_told_whole(figures: Figures) -> None:
    """Shares of a cell's time that add up to one are told together or not at all."""
    if figures.observations:
        count = figures.count(
            f"""
            select count(*) from (
                select 1 from {figures.observations}
                where statistic = 'ratio' and metric_key in {listed(WHOLES)}
                group by
                    case slice when 'all' then 'stage' when 'author_kind' then 'bot_stage'
                        else slice end,
                    clock, grain, grain_key, bucket, bucket_start
                having count(distinct status) > 1
            )
            """
        )
        if count:
            raise refusal(
                "O06", OBSERVATIONS, "status", count,
                "cells tell some parts of a whole and not the others",
                "Let the floor withhold every part",
            )  # fmt: skip


def _parts_are_told_whole(figures: Figures) -> None:
    """Parts of a population are told all of them, exactly, and beside their whole if it has one."""
    if figures.observations:
        declared = ", ".join(f"('{name}', {len(parts)})" for name, parts in PARTED_SLICES.items())
        count = figures.count(
            f"""
            with parts as (
                select
                    metric_key, slice, statistic, clock, grain, grain_key, bucket, bucket_start,
                    count(value) as exact_count
                from {figures.observations}
                where slice in {listed(PARTED_SLICES)} and status = 'ok'
                group by all
            ),
            -- What nobody uses in the whole installation is no part.
            unused as (
                select
                    metric_key, slice, statistic, clock,
                    count(distinct slice_value) as unused_count
                from {figures.observations}
                where slice in {listed(PARTED_SLICES)} and status not in ('ok', 'withheld')
                group by all
            ),
            wholes as (
                select
                    metric_key, statistic, clock, grain, grain_key, bucket, bucket_start,
                    status = 'ok' and value is not null as is_exact
                from {figures.observations}
                where slice = 'all'
            )

            select count(*)
            from parts
            inner join (values {declared}) as declared(slice, part_count)
                on parts.slice = declared.slice
            left join unused
                on
                    parts.metric_key = unused.metric_key and parts.slice = unused.slice
                    and parts.statistic = unused.statistic and parts.clock = unused.clock
            left join wholes
                on
                    parts.metric_key = wholes.metric_key
                    and parts.statistic = wholes.statistic and parts.clock = wholes.clock
                    and parts.grain = wholes.grain and parts.grain_key = wholes.grain_key
                    and parts.bucket = wholes.bucket
                    and parts.bucket_start = wholes.bucket_start
            where
                parts.exact_count + coalesce(unused.unused_count, 0) != declared.part_count
                or not coalesce(
                    wholes.is_exact,
                    not exists (
                        select 1 from wholes as of_metric
                        where
                            of_metric.metric_key = parts.metric_key
                            and of_metric.statistic = parts.statistic
                            and of_metric.clock = parts.clock
                    )
                )
            """
        )
        if count:
            raise refusal(
                "O06", OBSERVATIONS, "slice_value", count,
                "cells tell parts of a population without the others, their whole, or a figure",
                "Let the floor withhold every part",
            )  # fmt: skip


def _hours_are_not_told(figures: Figures) -> None:
    """Hours behind a ratio add up: of two nested sets they tell what is in one of them only."""
    if figures.observations:
        count = figures.count(
            f"""
            select count(*) from {figures.observations}
            where statistic = 'ratio' and coalesce(numerator, denominator) is not null
            """
        )
        if count:
            raise refusal(
                "O16", OBSERVATIONS, "numerator", count, "ratios tell the hours behind them",
                "Let the floor tell the ratio alone",
            )  # fmt: skip


def _numbers_are_cut(figures: Figures) -> None:
    """A further decimal could tell one person's hours apart."""
    if figures.observations:
        for column in FIGURES:
            count = figures.count(
                f"""
                with steps as (
                    select
                        observations.{column} / case
                            when observations.statistic in ('rate', 'mean') then {TENTH}
                            else metrics.precision_step
                        end as steps
                    from {figures.observations} as observations
                    inner join vault.{SEEDS}.metrics as metrics
                        on observations.metric_key = metrics.metric_key
                    where observations.{column} is not null
                )

                select count(*) from steps where steps is null or abs(steps - round(steps)) > 1e-6
                """
            )
            if count:
                raise refusal(
                    "V06", OBSERVATIONS, column, count,
                    "figures are finer than the catalogue declares", "Cut them on the floor",
                )  # fmt: skip


def _load_is_told_coarsely(figures: Figures) -> None:
    """An index of who did how much is of a team's quarter, and of no finer step."""
    if figures.observations:
        count = figures.count(
            f"""
            select count(*)
            from {figures.observations} as observations
            inner join vault.{SEEDS}.metrics as metrics
                on observations.metric_key = metrics.metric_key
            where
                observations.statistic = 'index'
                and (
                    observations.grain != '{INDEX_GRAIN}'
                    or observations.bucket != '{INDEX_BUCKET}'
                    or metrics.precision_step < {INDEX_STEP}
                )
            """
        )
        if count:
            raise refusal(
                "O12", OBSERVATIONS, "value", count,
                "concentrations are not of a team's quarter, or finer than a twentieth",
                "Tell them by team and quarter, in steps of 0.05",
            )  # fmt: skip


RULES = (
    Rule("B01", _rows_are_of_the_declared_grain),
    Rule("B05", _numbers_are_in_range),
    Rule("O12", _load_is_told_coarsely),
    Rule("O06", _wholes_are_told_whole),
    Rule("O06", _parts_are_told_whole),
    Rule("O15", _bands_are_wide),
    Rule("O15", _bands_stand_alone),
    Rule("O16", _hours_are_not_told),
    Rule("V06", _numbers_are_cut),
)
