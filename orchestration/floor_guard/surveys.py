"""Rule O13: what is told of a survey, counted anew from the answers."""

from collections import defaultdict
from datetime import date

import duckdb
import numpy as np

from orchestration.floor_guard.constants import (
    CLAMP,
    COMPLETE_MINIMUM,
    DRIVERS,
    DRIVERS_MART,
    FAVOURABLE,
    LEAST_SPREAD,
    OBSERVATIONS,
    PEOPLE_BANDS,
    PORTFOLIO_KEY,
    QUANTILE_EVENTS,
    RIDGE,
    SIDE_MINIMUM,
    SURVEY_ANSWERS,
    SURVEY_CLASSES,
    SURVEY_GRAINS,
    SURVEY_METRICS,
    SURVEY_SUMS,
    SURVEY_TEAMS,
    UNASSIGNED_KEY,
    UNEXPLAINED,
    WHOLE,
)
from orchestration.floor_guard.rules import listed, refusal

SHAPES = " or ".join(
    f"(metric_key = '{metric}' and slice = '{slice_}' and statistic in {listed(statistics)})"
    for metric, (slice_, statistics) in SURVEY_METRICS.items()
)
EDGES = f"case {' '.join(f'when people >= {n} then {n}' for n in reversed(PEOPLE_BANDS))} end"
LEAST, GREATEST = CLAMP
# Means are cut to a tenth: half of it, and the rounding of doubles.
HALF_STEP = 0.0501
# Hours to a half.
HALF_HOURS = 0.2501
# People who lie beyond a bound of hours.
BEYOND = 5


def check_surveys(connection: duckdb.DuckDBPyConnection, observations: str, minimum: int) -> None:
    """Hold what is told of a survey against the gate's own count of the answers.

    Reads the gate's table `metrics`. Raises FlowgrainError (O13) where a figure rests on fewer
    than `minimum` people, tells that all agree or who did not answer, or leaves over so few that
    they could be computed.
    """
    connection.execute(
        f"""
        create or replace temp table surveys as
        select observations.*,
            case
                when metric_key = 'survey_response_rate' then 'invited'
                when slice_value = '{UNEXPLAINED}' or metric_key in ('devex_fit', 'devex_gap')
                    then '{WHOLE}'
                when statistic in {listed(QUANTILE_EVENTS)} then replace(metric_key, '_hours', '')
                else slice_value
            end as driver
        from {observations} as observations
        inner join metrics using (metric_key)
        where metrics.class in {listed(SURVEY_CLASSES)} and observations.status = 'ok'
        """
    )
    found = connection.execute("select count(*) from surveys").fetchone()
    if not found or not found[0]:
        return
    for statement in (SCORES, GROUPS, COUNTED):
        connection.execute(statement)
    _check_weights(connection)
    for why, query in FAULTS.items():
        row = connection.execute(query.format(minimum=minimum)).fetchone()
        if row and row[0]:
            raise refusal(
                "O13", OBSERVATIONS, "value", row[0], why, "Let the floor withhold these rows"
            )


def _check_weights(connection: duckdb.DuckDBPyConnection) -> None:
    """Estimate the weights of the drivers anew, from everybody who answered everything."""
    told: dict[date, dict[str, float]] = defaultdict(dict)
    for start, key, driver, value in connection.execute(
        "select bucket_start, metric_key, driver, value from surveys "
        "where metric_key in ('devex_driver_weight', 'devex_fit')"
    ).fetchall():
        told[start]["fit" if key == "devex_fit" else driver] = float(value)
    for start, figures in told.items():
        rows = connection.execute(
            "select person_key, driver, amount from scores where quarter_start = ? "
            f"and driver in {listed(DRIVERS)} order by all",
            [start],
        ).fetchall()
        answers: dict[str, dict[str, float]] = defaultdict(dict)
        for who, driver, amount in rows:
            answers[who][driver] = float(amount)
        asked = sorted({driver for _, driver, _ in rows} - {WHOLE})
        complete = [told for told in answers.values() if len(told) == len(asked) + 1]
        expected = _weights(complete, asked) if len(complete) >= COMPLETE_MINIMUM else {}
        strange = sum(
            abs(value - expected.get(name, np.inf)) > HALF_STEP / 10
            for name, value in figures.items()
        )
        if strange:
            raise refusal(
                "O13", OBSERVATIONS, "value", strange,
                "weights are not those of everybody's answers, or rest on too few",
                "Let the floor withhold these rows",
            )  # fmt: skip


def _weights(complete: list[dict[str, float]], drivers: list[str]) -> dict[str, float]:
    """Coefficients of a standardised ridge regression, in points, and its fit."""
    table = np.array([[told[name] for name in (*drivers, WHOLE)] for told in complete])
    deviations = table.std(axis=0, ddof=1)
    if not deviations.all():
        return {}
    correlations = np.corrcoef(table.T)
    own, whole = correlations[:-1, :-1], correlations[:-1, -1]
    betas = np.linalg.solve(own + RIDGE * np.eye(len(drivers)), whole)
    weights = betas * deviations[-1] / deviations[:-1]
    fit = 2 * betas @ whole - betas @ own @ betas
    return {**dict(zip(drivers, map(float, weights), strict=True)), "fit": float(fit)}


def check_drivers(connection: duckdb.DuckDBPyConnection, drivers: str, observations: str) -> None:
    """Hold the wide mart against the observations, driver by driver.

    Raises FlowgrainError (O13) where it tells another figure than they do.
    """
    row = connection.execute(STRANGE.format(drivers=drivers, observations=observations)).fetchone()
    if row and row[0]:
        raise refusal(
            "O13", DRIVERS_MART, "*", row[0], "figures are not those of the observations",
            "Derive the mart from floor_observations",
        )  # fmt: skip


# A person has one score of a driver in a wave, and one team; who states two is of none.
SCORES = f"""
create or replace temp table scores as
with people as (
    select quarter_start, person_key,
        case when count(distinct team_key) = 1 then min(team_key) else '{UNASSIGNED_KEY}' end
            as team_key,
        case when count(distinct team_key) = 1
            then min(value_stream_key) else '{UNASSIGNED_KEY}' end as value_stream_key
    from vault.{SURVEY_ANSWERS}
    where person_key is not null
    group by quarter_start, person_key
),
answered as (
    select quarter_start, person_key, driver, round(avg(amount), 3) as amount
    from vault.{SURVEY_ANSWERS}
    where person_key is not null
    group by quarter_start, person_key, driver
    union all
    select distinct quarter_start, person_key, 'invited', null from vault.{SURVEY_ANSWERS}
    where person_key is not null
)
select * from answered inner join people using (quarter_start, person_key)
"""
# Each group and the one above it, by whoever is in it: answered or not.
GROUPS = f"""
create or replace temp table survey_groups as
with parts as (
    select quarter_start, driver, team_key, value_stream_key, person_key, amount, 0 as invited
    from scores
    union all
    select quarter_start, 'invited', team_key, value_stream_key, null, null, invited_count
    from vault.{SURVEY_TEAMS}
)
select
    quarter_start, driver, person_key, amount, invited,
    unnest([
        {{'grain': 'team', 'grain_key': team_key, 'parent_key': value_stream_key}},
        {{'grain': 'value_stream', 'grain_key': value_stream_key, 'parent_key': '{PORTFOLIO_KEY}'}},
        {{'grain': 'portfolio', 'grain_key': '{PORTFOLIO_KEY}', 'parent_key': 'none'}}
    ], recursive := true)
from parts
"""
COUNTED = f"""
create or replace temp table counted as
select
    quarter_start, driver, grain, grain_key, parent_key,
    count(distinct person_key) as people,
    count(*) filter (where amount >= {FAVOURABLE}) as favourable,
    count(*) filter (where amount < {FAVOURABLE}) as unfavourable,
    avg(amount) as mean,
    coalesce(stddev_samp(amount), 0) as deviation,
    quantile_cont(amount, 0.5) as p50,
    quantile_cont(amount, 0.85) as p85,
    list_sort(list(amount) filter (where amount is not null)) as amounts,
    case when driver = 'invited' then sum(invited) - count(distinct person_key) end as missing
from survey_groups
group by quarter_start, driver, grain, grain_key, parent_key
"""
# What is told, beside what was counted of it.
TOLD = """
    from surveys
    left join counted
        on
            surveys.driver = counted.driver
            and surveys.grain = counted.grain
            and surveys.grain_key = counted.grain_key
            and surveys.bucket_start = counted.quarter_start
"""
# What of a group is not told by itself, where the group is told and some of its parts are too.
LEFT = f"""
    select
        parents.metric_key,
        count(*) as group_count,
        sum(children.people) as people,
        sum(children.favourable) as favourable,
        sum(children.unfavourable) as unfavourable,
        sum(children.missing) as missing
    from surveys as parents
    inner join counted as children
        on
            parents.driver = children.driver
            and parents.bucket_start = children.quarter_start
            and parents.grain_key = children.parent_key
            and parents.grain
                = case children.grain when 'team' then 'value_stream' else 'portfolio' end
    left join surveys as told
        on
            parents.metric_key = told.metric_key
            and children.driver = told.driver
            and children.quarter_start = told.bucket_start
            and children.grain = told.grain
            and children.grain_key = told.grain_key
            and told.value is not null
    where
        parents.metric_key in {listed(SURVEY_SUMS)}
        and parents.value is not null
        and told.metric_key is null
        and children.people + coalesce(children.missing, 0) > 0
    group by parents.metric_key, parents.driver, parents.grain, parents.grain_key,
        parents.bucket_start
"""
# Each figure of the wide mart, as the observation that it must be.
STRANGE = f"""
    with figures as (
        select grain, grain_key, bucket, bucket_start,
            unnest([
                {{{{'metric_key': 'driver_score', 'slice_value': driver, 'value': score,
                    'lower_bound': score_lower, 'upper_bound': score_upper,
                    'sample_size': sample_size}}}},
                {{{{'metric_key': 'driver_favourable_share', 'slice_value': driver,
                    'value': favourable_share, 'lower_bound': favourable_lower,
                    'upper_bound': favourable_upper, 'sample_size': null}}}},
                {{{{'metric_key': 'survey_response_rate', 'slice_value': '{PORTFOLIO_KEY}',
                    'value': response_rate, 'lower_bound': null, 'upper_bound': null,
                    'sample_size': null}}}}
            ], recursive := true)
        from {{drivers}}
    )

    select count(*) from figures
    left join {{observations}} as told
        using (metric_key, slice_value, grain, grain_key, bucket, bucket_start)
    where
        coalesce(figures.value, figures.lower_bound, figures.upper_bound, figures.sample_size)
            is not null
        and (
            told.status is distinct from 'ok'
            or (figures.value is not null and figures.value is distinct from told.value)
            or figures.lower_bound != told.lower_bound
            or figures.upper_bound != told.upper_bound
            or figures.sample_size != told.sample_size
        )
"""
HOURS = f"statistic in {listed(QUANTILE_EVENTS)}"
TOO_FEW_HOURS = " or ".join(
    f"(statistic = '{statistic}'"
    f" and (people < {events} or abs(value - {statistic}) > {HALF_HOURS}))"
    for statistic, events in QUANTILE_EVENTS.items()
)
NARROW = f"""
    metric_key = 'driver_score'
    and (mean != least(greatest(mean, {LEAST}), {GREATEST}) or deviation < {LEAST_SPREAD})
"""
FAULTS = {
    "rows of a survey are not of a quarter's wave, of its grains and metrics": f"""
        select count(*) from surveys
        where bucket != 'quarter' or grain not in {listed(SURVEY_GRAINS)} or not ({SHAPES})
            or grain_key = '{UNASSIGNED_KEY}'
            or (metric_key in ('devex_driver_weight', 'devex_fit') and grain != 'portfolio')
    """,
    "figures rest on too few answers": f"""
        select count(*) {TOLD} where coalesce(people, 0) < {{minimum}}
    """,
    "rows tell how many answered closer than by bands": f"""
        select count(*) {TOLD}
        where sample_size is distinct from {EDGES} or coalesce(numerator, denominator) is not null
    """,
    "means are not those of the answers, cut off before the ends of the scale": f"""
        select count(*) {TOLD}
        where
            surveys.statistic = 'mean'
            and not coalesce(
                abs(value - least(greatest(mean, {LEAST}), {GREATEST})) <= {HALF_STEP}
                and value between {LEAST} and {GREATEST}
                and lower_bound >= 1 and upper_bound <= 5,
                false
            )
    """,
    # A range that is as narrow as the answers tells that all but agree.
    "ranges tell that all but agree": f"""
        with told as (
            select surveys.*, people, mean, deviation,
                2 * {LEAST_SPREAD} / sqrt({EDGES}) as least_reach
            {TOLD} where {NARROW}
        )
        select count(*) from told
        where
            lower_bound > greatest(value - least_reach, 1) + {HALF_STEP}
            or upper_bound < least(value + least_reach, 5) - {HALF_STEP}
    """,
    "shares tell of few on one side": f"""
        select count(*) {TOLD}
        where
            metric_key = 'driver_favourable_share'
            and case
                when value is not null
                    then least(favourable, unfavourable) < {SIDE_MINIMUM}
                        or abs(value - favourable / people) > {HALF_STEP} / 2
                else people < {PEOPLE_BANDS[-1]}
                    or (upper_bound = 1) != (favourable > unfavourable)
                    or least(favourable, unfavourable) >= {SIDE_MINIMUM}
            end
    """,
    "hours rest on too few people, or their bounds on few beyond them": f"""
        select count(*) {TOLD}
        where
            {HOURS}
            and (
                {TOO_FEW_HOURS}
                or not coalesce(
                    lower_bound > amounts[{BEYOND + 1}] - 2 * {HALF_HOURS}
                    and upper_bound < amounts[-{BEYOND + 1}] + 2 * {HALF_HOURS},
                    false
                )
            )
    """,
    "response rates tell who did not answer": f"""
        select count(*) {TOLD}
        where
            metric_key = 'survey_response_rate'
            and (
                missing is null or missing < 0 or (missing > 0 and missing < {{minimum}})
                or abs(value - people / (people + missing)) > {HALF_STEP}
            )
    """,
    "what makes a group differ is not what the published figures say": """
        with scores as (select * from surveys where metric_key = 'driver_score'),
        gaps as (
            select groups.grain, groups.grain_key, groups.bucket_start, groups.driver,
                weights.value as weight, groups.value - organisation.value as gap
            from scores as groups
            inner join scores as organisation
                on groups.bucket_start = organisation.bucket_start
                and groups.driver = organisation.driver and organisation.grain = 'portfolio'
            left join surveys as weights
                on groups.bucket_start = weights.bucket_start and groups.driver = weights.driver
                and weights.metric_key = 'devex_driver_weight'
            where groups.grain != 'portfolio'
        ),
        expected as (
            select grain, grain_key, bucket_start, 'devex_driver_attribution' as metric_key,
                driver as slice_value, weight * gap as value
            from gaps where driver != 'overall'
            union all
            select grain, grain_key, bucket_start, 'devex_gap', 'all', gap
            from gaps where driver = 'overall'
            union all
            select grain, grain_key, bucket_start, 'devex_driver_attribution', 'unexplained',
                sum(case when driver = 'overall' then gap else -weight * gap end)
            from gaps group by grain, grain_key, bucket_start
        )

        select count(*) from surveys as told
        left join expected using (grain, grain_key, bucket_start, metric_key, slice_value)
        where told.statistic = 'difference' and coalesce(abs(told.value - expected.value), 1) > 1e-9
    """,
    "groups leave too few over of what is told of the group above them": f"""
        with left_over as ({LEFT})

        select count(*) from left_over
        where
            group_count < 2
            or people < {{minimum}}
            or (
                metric_key = 'driver_favourable_share'
                and least(favourable, unfavourable) < {SIDE_MINIMUM}
            )
            or (
                metric_key = 'survey_response_rate'
                and missing != 0 and missing < {{minimum}}
            )
    """,
}
