with series as (
    select * from {{ ref('metric_series') }}
),

metrics as (
    select * from {{ ref('metrics') }}
),

buckets as (
    select * from {{ ref('int_buckets') }}
    where
        is_closed
        and is_recent
),

measurability as (
    select * from {{ ref('floor_measurability') }}
),

population_times as (
    select * from {{ ref('int_population_times') }}
),

survey_waves as (
    select * from {{ ref('int_survey_waves') }}
),

organisation as (
    select
        'team' as grain,
        team_key as grain_key
    from {{ ref('teams') }}
    union all
    select
        'value_stream' as grain,
        value_stream_key as grain_key
    from {{ ref('value_streams') }}
    union all
    select
        'system' as grain,
        system_key as grain_key
    from {{ ref('systems') }}
    union all
    select
        'portfolio' as grain,
        'all' as grain_key
),

-- From the week of the first event on a row for every group: the same for all.
first_week as (
    select min(week_start) as week_start
    from (
        select min(cast({{ dbt.date_trunc('week', 'counted_at') }} as date)) as week_start
        from population_times
        -- A tracker may be years older than all else that is connected.
        where population not in ('completed_items', 'typed_items', 'placed_items')
        union all
        select min(quarter_start) as week_start
        from survey_waves
    ) as firsts
),

final as (
    select
        series.metric_key,
        organisation.grain,
        organisation.grain_key,
        series.slice,
        series.slice_value,
        series.statistic,
        series.clock,
        buckets.bucket,
        buckets.bucket_start,
        series.min_sample,
        metrics.class,
        -- A rate per week is finer than the count that it is made of; a mean no finer than a tenth,
        -- so that the sums of groups cannot be taken apart.
        case when series.statistic in ('rate', 'mean') then 0.1 else metrics.precision_step end
            as precision_step,
        measurability.status as measurability,
        case when series.needs_authors then 1 else 0 end
        + case when series.needs_reviewers then 1 else 0 end as needed_role_count

    from series
    inner join metrics on series.metric_key = metrics.metric_key
    inner join measurability
        on
            series.metric_key = measurability.metric_key
            and series.slice = measurability.slice
            and series.slice_value = measurability.slice_value
            and series.statistic = measurability.statistic
            and series.clock = measurability.clock
    inner join organisation
        on '|' || metrics.grains || '|' like '%|' || organisation.grain || '|%'
    cross join buckets
    cross join first_week
    where
        buckets.bucket_start >= first_week.week_start
        and not series.is_derived
        -- Of knowledge, load, stability, surveys, who left or uses what there is no weekly trend.
        and (
            (metrics.class not in ('K', 'V', 'U', 'X') and series.statistic not in ('index', 'gap'))
            or buckets.bucket = 'quarter'
        )
        -- A licence is paid for by months.
        and (series.statistic != 'total' or buckets.bucket != 'week')
        -- What cannot be measured is the same for every bucket: the weeks need not repeat it.
        and (measurability.status = 'ok' or buckets.bucket != 'week')
)

select * from final
