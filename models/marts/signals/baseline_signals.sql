{#- XmR (Wheeler): limits lie 2.66 mean moving ranges around the mean of 8 to 13 buckets before. -#}
{%- set fewest, most = 8, 13 -%}
{%- set series = "metric_key, grain, grain_key, slice, slice_value, statistic, clock" -%}
{%- set before = "partition by " ~ series ~ ", bucket order by bucket_start" -%}
with observations as (
    select * from {{ ref('floor_observations') }}
    where
        slice in ('all', 'stage')
        and bucket in ('week', 'period')
),

metrics as (
    select * from {{ ref('metrics') }}
),

metric_series as (
    select * from {{ ref('metric_series') }}
),

-- Buckets differ in length: what has a rate per week is compared by it, and not by its count.
rates as (
    select distinct
        metric_key,
        slice,
        slice_value

    from metric_series
    where statistic = 'rate'
),

positions as (
    select
        bucket,
        bucket_start,
        row_number() over (partition by bucket order by bucket_start) as position

    from observations
    group by bucket, bucket_start
),

told as (
    select
        observations.*,
        metrics.direction,
        metrics.precision_step,
        positions.position

    from observations
    inner join metrics on observations.metric_key = metrics.metric_key
    inner join positions
        on
            observations.bucket = positions.bucket
            and observations.bucket_start = positions.bucket_start
    left join rates
        on
            observations.statistic = 'count'
            and observations.metric_key = rates.metric_key
            and observations.slice = rates.slice
            and observations.slice_value = rates.slice_value
    where
        observations.status = 'ok'
        and observations.value is not null
        and observations.statistic not in ('class', 'total')
        and rates.metric_key is null
),

followed as (
    select
        *,
        lag(value) over ({{ before }}) as previous_value,
        lag(position) over ({{ before }}) as previous_position

    from told
),

-- A range across a gap would measure the gap.
moved as (
    select
        *,
        case when position = previous_position + 1 then abs(value - previous_value) end
            as moving_range

    from followed
),

baselines as (
    select
        *,
        count(*) over ({{ before }} rows between {{ most }} preceding and 1 preceding)
            as baseline_buckets,
        sum(value) over ({{ before }} rows between {{ most }} preceding and 1 preceding)
            as baseline_sum,
        min(value) over ({{ before }} rows between {{ most }} preceding and 1 preceding)
            as baseline_least,
        count(moving_range) over (
            {{ before }} rows between {{ most - 1 }} preceding and 1 preceding
        ) as moving_ranges,
        sum(moving_range) over (
            {{ before }} rows between {{ most - 1 }} preceding and 1 preceding
        ) as sum_of_ranges

    from moved
),

averaged as (
    select
        *,
        cast(baseline_sum as {{ type_double() }}) / baseline_buckets as baseline_mean,
        cast(sum_of_ranges as {{ type_double() }}) / moving_ranges as mean_moving_range

    from baselines
    where
        baseline_buckets >= {{ fewest }}
        and moving_ranges >= {{ fewest - 1 }}
),

limited as (
    select
        *,
        greatest(
            baseline_mean - 2.66 * mean_moving_range,
            case when baseline_least >= 0 then 0 else baseline_mean - 2.66 * mean_moving_range end
        ) as lower_natural_limit,
        least(
            baseline_mean + 2.66 * mean_moving_range,
            case
                when statistic in ('ratio', 'share') then 1
                else baseline_mean + 2.66 * mean_moving_range
            end
        ) as upper_natural_limit,
        max(case when bucket = 'week' then 1 else 0 end) over (partition by {{ series }})
            as has_weeks

    from averaged
),

bounded as (
    select
        *,
        {{ cut('lower_natural_limit', 'precision_step') }} as lower_limit,
        {{ cut('upper_natural_limit', 'precision_step') }} as upper_limit

    from limited
    -- Weeks where these are published often enough, else periods.
    where bucket = case when has_weeks = 1 then 'week' else 'period' end
),

-- Chance of a few events is no signal: the value's own range must leave the mean of a past that
-- varied at all.
judged as (
    select
        *,
        case
            when mean_moving_range = 0 then 'none'
            when
                value > upper_limit
                and coalesce(lower_bound, value) > baseline_mean
                then 'upper'
            when
                value < lower_limit
                and coalesce(upper_bound, value) < baseline_mean
                then 'lower'
            else 'none'
        end as limit_broken

    from bounded
),

final as (
    select
        -- grain
        metric_key,
        grain,
        grain_key,
        slice,
        slice_value,
        statistic,
        clock,
        bucket,
        bucket_start,

        -- value
        value,
        {{ cut('baseline_mean', 'precision_step') }} as baseline_mean,
        lower_limit,
        upper_limit,
        cast(baseline_buckets as bigint) as baseline_buckets,
        limit_broken,
        case
            when limit_broken = 'none' then 'none'
            when direction = 'context' then 'changed'
            when (direction = 'higher_is_better') = (limit_broken = 'upper') then 'better'
            else 'worse'
        end as meaning,
        as_of

    from judged
)

select * from final
