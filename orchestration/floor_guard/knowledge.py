"""Rule O11: what is told of knowledge, and that nothing finer is left between what is told."""

import duckdb

from orchestration.floor_guard.calendar import bucket_end
from orchestration.floor_guard.constants import (
    FRAGILE,
    KNOWLEDGE_CLASSES,
    KNOWLEDGE_METRICS,
    OBSERVATIONS,
    SEEDS,
    SYSTEMS_MINIMUM,
)
from orchestration.floor_guard.environment import bus_factor_is_banded
from orchestration.floor_guard.rules import listed, refusal

SHAPES = " or ".join(
    f"(metric_key = '{metric}' and grain = '{grain}' and statistic = '{statistic}')"
    for metric, (grain, statistic) in KNOWLEDGE_METRICS.items()
)


def check_knowledge(connection: duckdb.DuckDBPyConnection, observations: str, minimum: int) -> None:
    """Hold what is told of knowledge against the owners and the gate's own count of people.

    Reads the gate's tables `metrics` and `people`. Raises FlowgrainError (O11) where a bus factor
    is of a team of fewer than `minimum` people or told too closely, or a share tells of what is
    withheld.
    """
    connection.execute(
        f"""
        create or replace temp table knowledge as
        select observations.*
        from {observations} as observations
        inner join metrics on observations.metric_key = metrics.metric_key
        where metrics.class in {listed(KNOWLEDGE_CLASSES)} and observations.status = 'ok'
        """
    )
    quarters = connection.execute("select distinct bucket_start from knowledge").fetchall()
    if not quarters:
        return
    connection.execute(
        "create or replace temp table quarter_ends (bucket_start date, bucket_end date)"
    )
    ends = [(start, bucket_end(start, "quarter")) for (start,) in quarters]
    connection.executemany("insert into quarter_ends values (?, ?)", ends)
    connection.execute(OWNERS)
    faults = FAULTS | (EXACT if bus_factor_is_banded() else {})
    for why, query in faults.items():
        row = connection.execute(query.format(minimum=minimum)).fetchone()
        if row and row[0]:
            raise refusal(
                "O11", OBSERVATIONS, "value", row[0], why, "Let the floor withhold these rows"
            )


# Who owned each system on the last day of each quarter that is told.
OWNERS = f"""
create or replace temp table owners as
select quarter_ends.bucket_start, owned.system_key, owned.team_key, streams.value_stream_key
from quarter_ends
inner join vault.{SEEDS}.system_owners as owned
    on
        quarter_ends.bucket_end > coalesce(owned.valid_from, date '1900-01-01')
        and quarter_ends.bucket_end <= coalesce(owned.valid_to, date '9999-01-01')
inner join vault.{SEEDS}.team_value_streams as streams
    on
        owned.team_key = streams.team_key
        and quarter_ends.bucket_end > coalesce(streams.valid_from, date '1900-01-01')
        and quarter_ends.bucket_end <= coalesce(streams.valid_to, date '9999-01-01')
"""
# Systems of the stream that have no figure of their own, and what the share tells of them.
LEFT = f"""
    select
        shares.bucket_start,
        shares.grain_key,
        shares.denominator - count(told.grain_key) as systems_left,
        shares.numerator - count(told.grain_key) filter (where told.lower_bound <= {FRAGILE})
            as fragile_left
    from knowledge as shares
    left join owners
        on
            shares.bucket_start = owners.bucket_start
            and shares.grain_key = owners.value_stream_key
    left join knowledge as told
        on
            told.metric_key = 'bus_factor'
            and owners.system_key = told.grain_key
            and owners.bucket_start = told.bucket_start
    where shares.grain = 'value_stream'
    group by shares.bucket_start, shares.grain_key, shares.denominator, shares.numerator
"""
FAULTS = {
    "rows of knowledge are no bus factor of a system's quarter, and no share of these": f"""
        select count(*) from knowledge
        where
            bucket != 'quarter' or slice != 'all' or not ({SHAPES})
            -- A band is fragile or not, and no closer.
            or not (
                coalesce(
                    metric_key != 'bus_factor' and value is not null
                    or value = lower_bound and value = upper_bound,
                    false
                )
                or (
                    metric_key = 'bus_factor' and value is null
                    and (
                        (lower_bound = 0 and coalesce(upper_bound = {FRAGILE}, false))
                        or (lower_bound = {FRAGILE} + 1 and upper_bound is null)
                    )
                )
            )
    """,
    "bus factors are of systems whose owners have too few active people": """
        select count(*) from knowledge
        left join owners
            on
                knowledge.grain_key = owners.system_key
                and knowledge.bucket_start = owners.bucket_start
        left join people
            on
                people.population = 'merged'
                and people.author_kind = 'human'
                and people.role = 'author'
                and people.grain = 'team'
                and people.grain_key = owners.team_key
                and people.bucket = 'quarter'
                and people.bucket_start = knowledge.bucket_start
        where
            knowledge.grain = 'system'
            and coalesce(people.people_count, 0) < {minimum}
    """,
    "shares are of too few systems": f"""
        select count(*) from knowledge
        where
            grain = 'value_stream'
            and (denominator is null or numerator is null or denominator < {SYSTEMS_MINIMUM})
    """,
    "shares tell of the systems that are withheld": f"""
        with left_over as ({LEFT})

        select count(*) from left_over
        where systems_left != 0 and (systems_left < 2 or fragile_left in (0, systems_left))
    """,
}
EXACT = {
    "bus factors are told to the person where bands are wanted": """
        select count(*) from knowledge
        where
            metric_key = 'bus_factor'
            and coalesce(value, numerator, denominator) is not null
    """,
}
