"""Rules B04, C12, C13 and O01 to O17: the gate counts people itself, from the activity."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import duckdb

from orchestration.floor_guard.attrition import check_attrition
from orchestration.floor_guard.audit import audit
from orchestration.floor_guard.calendar import bucket_end, bucket_start, is_last_week
from orchestration.floor_guard.candidates import Candidate
from orchestration.floor_guard.constants import (
    ACTIVITY,
    BOT_ROLES,
    BOT_SLICES,
    BUCKETS,
    CLASSES,
    DERIVED_FROM,
    DRIVERS_MART,
    GRAINS,
    MINIMUM_EVENTS,
    OBSERVATIONS,
    PARTED_SLICES,
    PEOPLE_CLASSES,
    PORTFOLIO_KEY,
    QUANTILE_EVENTS,
    RECOUNTED_SLICES,
    ROLES,
    SEEDS,
    SENSITIVE_CLASSES,
    SENSITIVE_METRICS,
    SERVICE_DAYS,
    SERVICE_MINIMUM,
    STOCK_POPULATIONS,
    SYSTEM_CLASSES,
    SYSTEM_COLUMNS,
    UNASSIGNED_KEY,
)
from orchestration.floor_guard.environment import minimum_people
from orchestration.floor_guard.knowledge import check_knowledge
from orchestration.floor_guard.rules import Rule, apply, listed, quoted, refusal
from orchestration.floor_guard.surveys import check_drivers, check_surveys
from orchestration.floor_guard.use import check_use

# A closed bucket is published when late rows have had this long to arrive.
LOADING_DAYS = timedelta(days=3)
CELL = ("grain", "grain_key", "bucket", "bucket_start")
SERIES = ("metric_key", "slice", "slice_value", "statistic", "clock")
WITHHOLD = "Let the floor withhold these rows"


@dataclass(frozen=True)
class Recount:
    """The candidates, and a connection on which the people of each cell are counted."""

    connection: duckdb.DuckDBPyConnection
    candidates: tuple[Candidate, ...]

    def count(self, query: str) -> int:
        """Return the one number that a query gives."""
        row = self.connection.execute(query).fetchone()
        return int(row[0]) if row else 0

    def named(self, name: str) -> Candidate | None:
        """Return the candidate of that name, if it is offered."""
        return next((table for table in self.candidates if table.name == name), None)


def recount_people(
    connection: duckdb.DuckDBPyConnection, candidates: tuple[Candidate, ...]
) -> list[str]:
    """Count people per cell and role, hold the candidates against it; return the codes passed."""
    _register_days(connection)
    _register_metrics(connection)
    for statement in (PLACED, PEOPLE, EVENTS):
        connection.execute(statement)
    recount = Recount(connection, candidates)
    table = recount.named(OBSERVATIONS)
    if table is not None:
        connection.execute(OPEN_CELLS.format(observations=table.relation))
    return apply(RULES, recount)


def _register_days(connection: duckdb.DuckDBPyConnection) -> None:
    """Lay out the days on which something happened, by the gate's own calendar."""
    days: list[tuple[date]] = connection.execute(
        f"""
        select distinct cast(counted_at as date) from vault.{ACTIVITY}
        where counted_at between timestamp '1990-01-01' and timestamp '2100-01-01'
        """
    ).fetchall()
    connection.execute(
        """
        create or replace temp table days (
            day date, bucket varchar, bucket_start date, is_last_week boolean
        )
        """
    )
    rows = [
        (day, bucket, bucket_start(day, bucket), is_last_week(day, bucket))
        for (day,) in days
        for bucket in BUCKETS
    ]
    if rows:
        connection.executemany("insert into days values (?, ?, ?, ?)", rows)


def _register_metrics(connection: duckdb.DuckDBPyConnection) -> None:
    """Lay out which roles, in which number, each metric rests on."""
    connection.execute(
        f"""
        create or replace temp table metrics as
        select
            metric_key,
            class,
            population,
            {minimum_people()} as minimum,
            coalesce(string_split(nullif(trim(subjects), ''), '|'), []) as roles
        from vault.{SEEDS}.metrics
        """
    )
    connection.execute(
        "create or replace temp table series (metric_key varchar, slice varchar, "
        "slice_value varchar, statistic varchar, clock varchar, population varchar)"
    )
    found = connection.execute(
        """
        select count(*) from duckdb_tables()
        where database_name = 'vault' and schema_name = ? and table_name = 'metric_series'
        """,
        [SEEDS],
    ).fetchone()
    # A stage may count another population than its metric: Deploy counts what was deployed.
    if found and found[0]:
        connection.execute(
            f"""
            insert into series
            select metric_key, slice, slice_value, statistic, clock, population
            from vault.{SEEDS}.metric_series
            """
        )


# What was done, and by whom, in each cell that it lies in.
PLACED = f"""
create or replace temp table placed as
select
    population,
    author_kind,
    role,
    person_key,
    change_key,
    bucket,
    bucket_start,
    grain,
    coalesce(grain_key, '{UNASSIGNED_KEY}') as grain_key
from (
    select
        activity.population,
        activity.author_kind,
        activity.role,
        activity.person_key,
        activity.change_key,
        days.bucket,
        days.bucket_start,
        unnest([
            {{'grain': 'team', 'grain_key': activity.team_key}},
            {{'grain': 'value_stream', 'grain_key': activity.value_stream_key}},
            {{'grain': 'system', 'grain_key': activity.system_key}},
            {{'grain': 'portfolio', 'grain_key': '{PORTFOLIO_KEY}'}}
        ], recursive := true)
    from vault.{ACTIVITY} as activity
    inner join days on cast(activity.counted_at as date) = days.day
    where days.is_last_week or activity.population not in {listed(STOCK_POPULATIONS)}
)
"""

# A person counts once per cell and role; accounts that nobody declared are no people, and may all
# be one: in what the largest share is held against, they are one.
PEOPLE = """
create or replace temp table people as
select
    population,
    author_kind,
    grain,
    grain_key,
    bucket,
    bucket_start,
    role,
    count(distinct person_key) as people_count,
    max(person_events) as largest_events,
    list_sum(list_slice(list_reverse_sort(list(person_events)), 1, 2)) as two_largest_events
from (
    select
        population, author_kind, grain, grain_key, bucket, bucket_start, role, person_key,
        count(distinct change_key) as person_events
    from placed
    where role is not null
    group by all
)
group by all
"""

# What nobody took part in is an event all the same.
EVENTS = """
create or replace temp table events as
select
    population, author_kind, grain, grain_key, bucket, bucket_start,
    count(distinct change_key) as event_count
from placed
group by all
"""

# Each row with a figure of people, once for each role that must be enough for it.
OPEN_CELLS = f"""
create or replace temp table open_cells as
with observed as (
    select
        observations.*,
        metrics.minimum,
        coalesce(series.population, metrics.population) as population,
        case when observations.slice in {listed(BOT_SLICES)} then 'bot' else 'human' end
            as author_kind,
        case
            when observations.slice in {listed(BOT_SLICES)} then {list(BOT_ROLES)}
            else metrics.roles
        end as roles
    from {{observations}} as observations
    inner join metrics on observations.metric_key = metrics.metric_key
    left join series
        on
            observations.metric_key = series.metric_key
            and observations.slice = series.slice
            and observations.slice_value = series.slice_value
            and observations.statistic = series.statistic
            and observations.clock = series.clock
    where metrics.class in {listed(PEOPLE_CLASSES)} and observations.status = 'ok'
)

select
    population, author_kind, grain, grain_key, bucket, bucket_start, minimum, statistic,
    sample_size, unnest(roles) as role
from observed
union all
-- Those on either side of an exact share, and those whose events add to an exact mean. Nobody need
-- have reviewed what is on the side without, so only its authors are asked for.
select
    metric_key || '__' || statistic
    || case when slice in {listed(PARTED_SLICES)} then '__' || slice_value else '' end
    || side as population, author_kind, grain, grain_key, bucket,
    bucket_start, minimum, case when statistic = 'share' then 'side' else 'sum' end as statistic,
    case when statistic = 'share' and side = '__with' then numerator
        when statistic = 'share' then denominator - numerator end as sample_size,
    unnest(case when side = '__with' then roles else roles[:1] end) as role
from observed
cross join (values ('__with'), ('__without')) as sides(side)
where
    coalesce(value, numerator) is not null
    and (side = '__with' or statistic = 'share' and author_kind = 'human')
    and statistic in ('share', 'mean')
"""

# What is wrong with an open cell, by rule.
FAULTS = {
    "O01": ("figures rest on too few people in a role", "people_count < minimum"),
    "O05": (
        "figures are more than half somebody's, or known to a tenth to whoever has second most",
        "largest_events * 2 > event_count"
        " or (event_count - two_largest_events) * 10 < largest_events",
    ),
    "B04": (
        "figures are of other changes than those whose people are counted",
        # The sum behind a mean is not told.
        "statistic != 'sum' and sample_size is distinct from event_count",
    ),
    "O03": (
        "figures rest on too few events",
        f"statistic not in ('side', 'sum') and sample_size < {MINIMUM_EVENTS}",
    ),
    "O04": (
        "quantiles rest on too few events",
        " or ".join(
            f"statistic = '{statistic}' and sample_size < {events}"
            for statistic, events in QUANTILE_EVENTS.items()
        ),
    ),
}
FAULTY = """
with counted as (
    select
        open_cells.*,
        coalesce(people.people_count, 0) as people_count,
        coalesce(people.largest_events, 0) as largest_events,
        coalesce(people.two_largest_events, 0) as two_largest_events,
        coalesce(events.event_count, 0) as event_count
    from open_cells
    left join people
        using (population, author_kind, grain, grain_key, bucket, bucket_start, role)
    left join events using (population, author_kind, grain, grain_key, bucket, bucket_start)
)

select count(*) from counted where {fault}
"""


def _metrics_are_classified(recount: Recount) -> None:
    classes = listed(CLASSES)
    wrong = {
        "metrics are not of a class of the floor": (
            f"select count(*) from metrics where class is null or class not in {classes}"
        ),
        "metrics are registered twice": (
            "select count(*) - count(distinct metric_key) from metrics"
        ),
        "metrics of people name no known role": f"""
            select count(*) from metrics
            where class in {listed(PEOPLE_CLASSES)}
            and (len(roles) = 0 or not list_has_all({list(ROLES)}, roles))
        """,
        "metrics of systems rest on people": f"""
            select count(*) from metrics
            where class in {listed(SYSTEM_CLASSES)}
            and (len(roles) > 0 or population in (select population from people))
        """,
        "metrics are sensitive, or of that class, and no other than attrition may be": f"""
            select count(*) from metrics
            where (class in {listed(SENSITIVE_CLASSES)})
                != (metric_key in {listed(SENSITIVE_METRICS)})
        """,
    }
    for why, query in wrong.items():
        count = recount.count(query)
        if count:
            raise refusal("C13", "metrics", "*", count, why, "Put the catalogue seed right")


def _cells_are_of_the_calendar(recount: Recount) -> None:
    _each_bucket(recount, "C12", "begin on no bucket of the calendar", _is_on_the_calendar)


def _buckets_are_closed(recount: Recount) -> None:
    _each_bucket(recount, "O09", "lie in a bucket that is not closed and loaded", _is_closed)


def _is_on_the_calendar(bucket: str, start: date, _: date | None) -> bool:
    return bucket in BUCKETS and start is not None and bucket_start(start, bucket) == start


def _is_closed(bucket: str, start: date, as_of: date | None) -> bool:
    return as_of is None or bucket_end(start, bucket) + LOADING_DAYS <= as_of


def _each_bucket(
    recount: Recount, rule: str, why: str, holds: Callable[[str, date, date | None], bool]
) -> None:
    for table in recount.candidates:
        if not {"bucket", "bucket_start"} <= table.names():
            continue
        as_of = "max(as_of)" if "as_of" in table.names() else "null"
        rows = recount.connection.execute(
            f"""
            select bucket, bucket_start, {as_of}, count(*) from {table.relation}
            group by bucket, bucket_start
            """
        ).fetchall()
        count = sum(number for *cell, number in rows if not holds(*cell))
        if count:
            raise refusal(
                rule,
                table.name,
                "bucket_start",
                count,
                f"rows {why}",
                "Build with the project's own calendar and clock",
            )


def _observations_are_counted(recount: Recount) -> None:
    table = recount.named(OBSERVATIONS)
    if table is None:
        return
    unknown = recount.count(
        f"""
        select count(*) from {table.relation} as observations
        left join metrics on observations.metric_key = metrics.metric_key
        where metrics.metric_key is null or observations.grain not in {listed(GRAINS)}
        """
    )
    if unknown:
        raise refusal(
            "C12",
            table.name,
            "metric_key",
            unknown,
            "rows of no registered metric or grain",
            "Register the metric in the catalogue seed",
        )
    untold = recount.count(
        f"""
        select count(*) from {table.relation} as observations
        inner join metrics on observations.metric_key = metrics.metric_key
        where
            metrics.class in {listed(PEOPLE_CLASSES)}
            and observations.status = 'ok'
            and (
                coalesce(observations.slice, '') not in {listed(RECOUNTED_SLICES)}
                -- A part is followed by its sides, which a share alone has, or by a population that
                -- is its own.
                or observations.slice in {listed(PARTED_SLICES)}
                and observations.statistic != 'share'
                and not exists (
                    select 1 from series
                    where
                        series.metric_key = observations.metric_key
                        and series.slice = observations.slice
                        and series.slice_value = observations.slice_value
                        and series.statistic = observations.statistic
                        and series.clock = observations.clock
                        and series.population != metrics.population
                        and not exists (
                            select 1 from series as other
                            where
                                other.metric_key = series.metric_key
                                and other.slice = series.slice
                                and other.slice_value != series.slice_value
                                and other.population = series.population
                        )
                )
            )
        """
    )
    if untold:
        raise refusal(
            "O01",
            table.name,
            "slice",
            untold,
            "rows of a slice whose people cannot be counted",
            WITHHOLD,
        )


def _open_cells_have_no(rule: str, recount: Recount) -> None:
    """Refuse a fault of the cells that are told of."""
    if recount.named(OBSERVATIONS) is None:
        return
    why, fault = FAULTS[rule]
    count = recount.count(FAULTY.format(fault=fault))
    if count:
        raise refusal(rule, OBSERVATIONS, "value", count, why, WITHHOLD)


def _derived_rows_stand_on_observations(recount: Recount) -> None:
    """Refuse a figure in a wide mart where no figure of people passed for the same cell."""
    observations = recount.named(OBSERVATIONS)
    for table in recount.candidates:
        if table.name == OBSERVATIONS or not set(CELL) <= table.names():
            continue
        figures = [
            f"{quoted(column.name)} is not null"
            if column.kind != "BOOLEAN"
            else f"coalesce({quoted(column.name)}, false)"
            for column in table.columns
            if column.kind not in ("VARCHAR", "DATE") and column.name not in SYSTEM_COLUMNS
        ]
        if not figures:
            continue
        backed = "false"
        every_class = listed(CLASSES)
        # What a mart says of one series stands on that series.
        shared = "".join(
            f" and observations.{key} = derived.{key}"
            for key in SERIES
            if table.name not in DERIVED_FROM and key in table.names()
        )
        sources = listed(DERIVED_FROM[table.name]) if table.name in DERIVED_FROM else ""
        if observations:
            backed = f"""
                exists (
                    select 1 from {observations.relation} as observations
                    inner join metrics on observations.metric_key = metrics.metric_key
                    where
                        metrics.class in {every_class}
                        and observations.status = 'ok'
                        and observations.slice not in {listed(BOT_SLICES)}
                        {f"and observations.metric_key in {sources}" if sources else ""}
                        {shared}
                        and observations.grain = derived.grain
                        and observations.grain_key = derived.grain_key
                        and observations.bucket = derived.bucket
                        and observations.bucket_start = derived.bucket_start
                )
            """
        count = recount.count(
            f"""
            select count(*) from {table.relation} as derived
            where ({" or ".join(figures)}) and not {backed}
            """
        )
        if count:
            raise refusal(
                "O01",
                table.name,
                "*",
                count,
                "rows tell of cells in which no figure passed",
                "Derive the mart from floor_observations",
            )


def _systems_are_as_the_organisation_says(recount: Recount) -> None:
    """Refuse a column that is exempt from the floor where it says anything else than the seed."""
    for table in recount.candidates:
        for column in sorted(table.names() & set(SYSTEM_COLUMNS)):
            keys = (f"told.{key}" for key in ("system_key", "grain_key") if key in table.names())
            key = next(keys, "null")
            count = recount.count(
                f"""
                select count(*) from {table.relation} as told
                left join vault.{SEEDS}.systems as systems on {key} = systems.system_key
                where
                    told.{column} is not null
                    and told.{column} is distinct from systems.{column}
                """
            )
            if count:
                raise refusal(
                    "O01",
                    table.name,
                    column,
                    count,
                    "rows say of a system what the organisation does not",
                    "Take the column from the seed systems, by the key of the system",
                )


def _withheld_rows_are_empty(recount: Recount) -> None:
    table = recount.named(OBSERVATIONS)
    if table is None:
        return
    for column in (
        "value",
        "lower_bound",
        "upper_bound",
        "numerator",
        "denominator",
        "sample_size",
        "method",
    ):
        count = recount.count(
            f"""
            select count(*) from {table.relation} as observations
            inner join metrics on observations.metric_key = metrics.metric_key
            where
                observations.status is distinct from 'ok'
                and observations.{column} is not null
                and (
                    metrics.class not in {listed(SYSTEM_CLASSES)}
                    or '{column}' in ('value', 'lower_bound', 'upper_bound')
                )
            """
        )
        if count:
            raise refusal(
                "O08", table.name, column, count, "rows that are not ok hold a figure", WITHHOLD
            )


def _services_have_contributors(recount: Recount) -> None:
    """A service of one or two people is told at the next level up."""
    table = recount.named(OBSERVATIONS)
    if table is None:
        return
    cells = recount.connection.execute(
        f"""
        select distinct observations.grain, observations.grain_key, observations.bucket,
            observations.bucket_start
        from {table.relation} as observations
        inner join metrics on observations.metric_key = metrics.metric_key
        where
            metrics.class in {listed(SYSTEM_CLASSES)}
            and observations.status = 'ok'
            and observations.grain != 'portfolio'
        """
    ).fetchall()
    ends = [(*cell, bucket_end(cell[3], cell[2])) for cell in cells]
    recount.connection.execute(
        "create or replace temp table services (grain varchar, grain_key varchar, "
        "bucket varchar, bucket_start date, bucket_end date)"
    )
    if ends:
        recount.connection.executemany("insert into services values (?, ?, ?, ?, ?)", ends)
    small = recount.count(
        f"""
        with contributions as (
            select distinct person_key, cast(counted_at as date) as day,
                unnest([
                    {{'grain': 'team', 'grain_key': team_key}},
                    {{'grain': 'value_stream', 'grain_key': value_stream_key}},
                    {{'grain': 'system', 'grain_key': system_key}}
                ], recursive := true)
            from vault.{ACTIVITY}
            where author_kind = 'human' and role = 'author' and person_key is not null
        )

        select count(*) from (
            select services.grain, services.grain_key, services.bucket, services.bucket_start
            from services
            left join contributions
                on services.grain = contributions.grain
                and services.grain_key = contributions.grain_key
                and contributions.day < services.bucket_end
                and contributions.day >= services.bucket_end - interval {SERVICE_DAYS} day
            group by all
            having count(distinct contributions.person_key) < {SERVICE_MINIMUM}
        )
        """
    )
    if small:
        raise refusal(
            "O17", table.name, "value", small, "services have too few contributors", WITHHOLD
        )


def _attrition_is_told_of_many(recount: Recount) -> None:
    table = recount.named(OBSERVATIONS)
    if table is not None:
        check_attrition(recount.connection, table.relation, minimum_people())


def _knowledge_is_told_of_many(recount: Recount) -> None:
    table = recount.named(OBSERVATIONS)
    if table is not None:
        check_knowledge(recount.connection, table.relation, minimum_people())


def _surveys_are_told_of_many(recount: Recount) -> None:
    table = recount.named(OBSERVATIONS)
    if table is not None:
        check_surveys(recount.connection, table.relation, minimum_people())
        if (drivers := recount.named(DRIVERS_MART)) is not None:
            check_drivers(recount.connection, drivers.relation, table.relation)


def _use_is_told_of_many(recount: Recount) -> None:
    table = recount.named(OBSERVATIONS)
    if table is not None:
        check_use(recount.connection, table.relation, minimum_people())


def _nothing_can_be_computed(recount: Recount) -> None:
    if recount.named(OBSERVATIONS) is not None:
        audit(recount.connection, minimum_people())


RULES = (
    Rule("C13", _metrics_are_classified),
    Rule("C12", _cells_are_of_the_calendar),
    Rule("O09", _buckets_are_closed),
    Rule("O08", _withheld_rows_are_empty),
    Rule("O17", _services_have_contributors),
    Rule("O01", _observations_are_counted),
    *(Rule(rule, partial(_open_cells_have_no, rule)) for rule in FAULTS),
    Rule("O01", _derived_rows_stand_on_observations),
    Rule("O01", _systems_are_as_the_organisation_says),
    Rule("O11", _knowledge_is_told_of_many),
    Rule("O13", _surveys_are_told_of_many),
    Rule("O15", _use_is_told_of_many),
    Rule("O14", _attrition_is_told_of_many),
    Rule("O16", _nothing_can_be_computed),
)
