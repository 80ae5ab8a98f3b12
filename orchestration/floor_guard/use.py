"""Rule O15: what is told of who uses a licensed tool, counted anew from who used it when."""

import duckdb

from orchestration.floor_guard.constants import (
    AI_SEATS,
    AI_USE,
    OBSERVATIONS,
    PORTFOLIO_KEY,
    SEEDS,
    UNASSIGNED_KEY,
    USE_CLASSES,
    USE_GRAINS,
    USE_METRICS,
)
from orchestration.floor_guard.rules import listed, refusal

SHAPES = " or ".join(
    f"(metric_key = '{metric}' and statistic = '{statistic}')"
    for metric, statistic in USE_METRICS.items()
)
# Least seats, and into how many bands they part: each band holds five counts that may be.
BANDS = {100: 10, 50: 5, 20: 2}
# What the rounding of doubles may cost.
SLACK = 1e-6
# A return is cut to a hundredth.
RETURN_STEP = 0.0101


def check_use(connection: duckdb.DuckDBPyConnection, observations: str, minimum: int) -> None:
    """Hold what is told of the use of tools against the gate's own count of who used them.

    Reads the gate's table `metrics`. Raises FlowgrainError (O15) where a row rests on fewer than
    `minimum` users or on fewer seats that nobody uses, tells a share closer than by its band,
    leaves over so few that they could be computed, or is a return that does not follow from what is
    told.
    """
    connection.execute(
        f"""
        create or replace temp table used as
        select observations.* from {observations} as observations
        inner join metrics using (metric_key)
        where metrics.class in {listed(USE_CLASSES)} and observations.status = 'ok'
        """
    )
    found = connection.execute("select count(*) from used").fetchone()
    if not found or not found[0]:
        return
    for statement in (TEAMS, COUNTED):
        connection.execute(statement)
    faults = dict(FAULTS)
    # Without a return nobody need have said what use is worth.
    told = connection.execute("select count(*) from used where statistic != 'share'").fetchone()
    if told and told[0]:
        faults[
            "values and returns do not follow from the use, cost and assumptions that are told"
        ] = RETURNS
    for why, query in faults.items():
        told_of = query.format(minimum=minimum, observations=observations)
        row = connection.execute(told_of).fetchone()
        if row and row[0]:
            raise refusal(
                "O15", OBSERVATIONS, "lower_bound", row[0], why, "Let the floor withhold these rows"
            )


# A person is of the team in whose seat they were last; a team's seats are the most it had at once.
TEAMS = f"""
create or replace temp table use_teams as
with people as (
    select
        quarter_start, person_key,
        first(team_key order by week_start desc, team_key) as team_key,
        count(distinct week_start) as weeks
    from vault.{AI_USE}
    where person_key is not null
    group by all
),
seated as (
    select quarter_start, team_key, count(distinct person_key) as seated
    from vault.{AI_USE} group by all
),
users as (
    select quarter_start, team_key, count(*) as users, sum(weeks) as user_weeks,
        max(weeks) as most_weeks
    from people group by all
)
select
    seats.quarter_start, seats.team_key, seats.value_stream_key,
    max(seats.seats) as seats,
    sum(seats.seats) as seat_weeks,
    coalesce(any_value(seated.seated), 0) as seated,
    coalesce(any_value(users.users), 0) as users,
    coalesce(any_value(users.user_weeks), 0) as user_weeks,
    coalesce(any_value(users.most_weeks), 0) as most_weeks
from vault.{AI_SEATS} as seats
left join users using (quarter_start, team_key)
left join seated using (quarter_start, team_key)
group by all
having max(seats.seats) > 0
"""
COUNTED = f"""
create or replace temp table use_counted as
with placed as (
    select * exclude (team_key, value_stream_key),
        unnest([
            {{'grain': 'team', 'grain_key': team_key, 'parent_key': value_stream_key}},
            {{'grain': 'value_stream', 'grain_key': value_stream_key,
                'parent_key': '{PORTFOLIO_KEY}'}},
            {{'grain': 'portfolio', 'grain_key': '{PORTFOLIO_KEY}', 'parent_key': 'none'}}
        ], recursive := true)
    from use_teams
),
-- Weeks in which any team of the group had a seat.
weeks as (
    select quarter_start, grain, grain_key, count(distinct week_start) as weeks
    from (
        select quarter_start, week_start,
            unnest([
                {{'grain': 'team', 'grain_key': team_key}},
                {{'grain': 'value_stream', 'grain_key': value_stream_key}},
                {{'grain': 'portfolio', 'grain_key': '{PORTFOLIO_KEY}'}}
            ], recursive := true)
        from vault.{AI_SEATS} where seats > 0
    )
    group by all
)
select
    quarter_start, grain, grain_key, parent_key,
    sum(seats) as seats, sum(users) as users, sum(seats) - sum(seated) as unused,
    sum(seat_weeks) as seat_weeks, sum(user_weeks) as user_weeks,
    any_value(weeks.weeks) as weeks, max(most_weeks) as most_weeks
from placed
left join weeks using (quarter_start, grain, grain_key)
group by all
"""
TOLD = """
    from used
    left join use_counted as counted
        on
            used.grain = counted.grain
            and used.grain_key = counted.grain_key
            and used.bucket_start = counted.quarter_start
"""
SHARE = "case metric_key when 'ai_adoption' then users / seats else user_weeks / seat_weeks end"
PARTS = (
    f"case {' '.join(f'when seats >= {least} then {parts}' for least, parts in BANDS.items())} end"
)
BASE = "case metric_key when 'ai_adoption' then seats else seat_weeks end"
FAULTS = {
    "rows of the use of tools are not of a quarter, of its grains and metrics": f"""
        select count(*) from used
        where bucket != 'quarter' or grain not in {listed(USE_GRAINS)} or not ({SHAPES})
            or slice != 'all' or grain_key = '{UNASSIGNED_KEY}'
    """,
    "rows rest on too few who use a seat, or on too few seats that nobody uses": f"""
        select count(*) {TOLD}
        where not coalesce(
            least(users, unused) >= {{minimum}}
            and seat_weeks - user_weeks >= {{minimum}} * weeks
            and most_weeks * 2 <= user_weeks,
            false
        )
    """,
    "shares of those who use a seat are told closer than by their band, or are not theirs": f"""
        select count(*) {TOLD}
        where
            statistic = 'share'
            and not coalesce(
                value is null and numerator is null and method = 'band'
                and sample_size = {BASE} and denominator = {BASE}
                and abs((upper_bound - lower_bound) * {PARTS} - 1) < {SLACK}
                and abs(lower_bound * {PARTS} - round(lower_bound * {PARTS})) < {SLACK}
                and {SHARE} >= lower_bound - {SLACK} and {SHARE} < upper_bound - {SLACK},
                false
            )
    """,
    "groups are told whose parents are not": """
        select count(*) from used as children
        inner join use_counted as counted
            on
                children.grain = counted.grain
                and children.grain_key = counted.grain_key
                and children.bucket_start = counted.quarter_start
        left join used as parents
            on
                children.metric_key = parents.metric_key
                and children.bucket_start = parents.bucket_start
                and counted.parent_key = parents.grain_key
                and parents.grain
                    = case children.grain when 'team' then 'value_stream' else 'portfolio' end
        where
            children.statistic = 'share'
            and children.grain != 'portfolio'
            and parents.metric_key is null
    """,
    "groups leave too few over of what is told of the group above them": """
        with left_over as (
            select
                parents.metric_key, parents.grain, parents.grain_key, parents.bucket_start,
                count(*) as group_count,
                sum(children.users) as users, sum(children.unused) as unused
            from used as parents
            inner join use_counted as children
                on
                    parents.bucket_start = children.quarter_start
                    and parents.grain_key = children.parent_key
                    and parents.grain
                        = case children.grain when 'team' then 'value_stream' else 'portfolio' end
            left join used as told
                on
                    parents.metric_key = told.metric_key
                    and children.quarter_start = told.bucket_start
                    and children.grain = told.grain
                    and children.grain_key = told.grain_key
            where told.metric_key is null
            group by all
        )

        select count(*) from left_over
        where group_count < 2 or least(users, unused) < {minimum}
    """,
}
# The fourth quarter has 14 weeks in a year of 53: it ends where the next ISO year begins.
LAST_DAY = """
    case
        when week(use.bucket_start) = 40
            then date_trunc('week', make_date(isoyear(use.bucket_start) + 1, 1, 4))
        else use.bucket_start + interval '13 weeks'
    end - interval '1 day'
"""
# What value and return must be: of what is told of use and cost, and of the assumption of the day.
RETURNS = f"""
    with assumptions as (
        select *,
            coalesce(valid_from, date '1900-01-01') as holds_from,
            lead(valid_from, 1, date '9999-01-01') over (
                order by coalesce(valid_from, date '1900-01-01')
            ) as holds_to
        from vault.{SEEDS}.ai_value_assumptions
    ),
    valued as (
        select
            use.grain, use.grain_key, use.bucket_start, cost.value as cost,
            least(use.lower_bound * hours_saved_low, use.upper_bound * hours_saved_low)
                * use.sample_size * hour_cost as least_value,
            greatest(use.lower_bound * hours_saved_high, use.upper_bound * hours_saved_high)
                * use.sample_size * hour_cost as greatest_value
        from used as use
        inner join {{observations}} as cost
            on use.grain = cost.grain and use.grain_key = cost.grain_key
            and use.bucket = cost.bucket and use.bucket_start = cost.bucket_start
            and cost.metric_key = 'ai_cost' and cost.status = 'ok'
        inner join assumptions
            on {LAST_DAY} >= holds_from and {LAST_DAY} < holds_to
        where use.metric_key = 'ai_weekly_adoption'
    ),
    expected as (
        select grain, grain_key, bucket_start, 'return' as statistic,
            least_value / cost - 1 as lower_bound, greatest_value / cost - 1 as upper_bound
        from valued
        union all
        select grain, grain_key, bucket_start, 'worth', least_value, greatest_value
        from valued
    )

    select count(*) from used
    left join expected using (grain, grain_key, bucket_start, statistic)
    where
        used.statistic != 'share'
        and not coalesce(
            used.value is null and used.numerator is null and used.denominator is null
            and abs(used.lower_bound - expected.lower_bound) < {RETURN_STEP}
            and abs(used.upper_bound - expected.upper_bound) < {RETURN_STEP},
            false
        )
"""
