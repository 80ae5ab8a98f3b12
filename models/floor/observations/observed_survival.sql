{#- Normal quantile of the 95 % range, and the share that is still under way at the median. -#}
{%- set z = '1.959963985' -%}
{%- set half = '0.5000000001' -%}
{%- set cell = 'grain, grain_key, bucket, bucket_start' -%}
with started as (
    select * from {{ ref('int_started_work') }}
    where author_kind = 'human'
),

cells as (
    {{ at_each_grain('started', columns=[
        'bucket', 'bucket_start', 'author_key', 'followed_seconds',
        'case when is_deployed then 1 else 0 end as is_deployed',
    ], grains=('team', 'value_stream', 'system')) }}
),

times as (
    select
        {{ cell }},
        followed_seconds,
        count(*) as left_count,
        sum(is_deployed) as deployed_count

    from cells
    group by {{ cell }}, followed_seconds
),

-- At risk is what was followed that long; what is censored at the same moment still is.
at_risk as (
    select
        *,
        sum(left_count) over (
            partition by {{ cell }} order by followed_seconds desc
            rows between unbounded preceding and current row
        ) as risk_count

    from times
),

-- The last one to be deployed leaves nothing: the logarithm of nothing is none.
steps as (
    select
        *,
        case when deployed_count = risk_count then 1 else 0 end as is_last,
        cast(case
            when deployed_count < risk_count then ln(1 - deployed_count * 1.0 / risk_count) else 0
        end as numeric(28, 15)) as log_step,
        cast(case
            when deployed_count < risk_count
                then deployed_count * 1.0 / (risk_count * 1.0 * (risk_count - deployed_count))
            else 0
        end as numeric(28, 15)) as variance_step

    from at_risk
),

-- Kaplan and Meier's product as a sum of logarithms, and Greenwood's sum beside it: of decimals,
-- which add up alike in any order.
surviving as (
    select
        *,
        cast(sum(log_step) over (
            partition by {{ cell }} order by followed_seconds
            rows between unbounded preceding and current row
        ) as {{ type_double() }}) as log_surviving,
        cast(sum(variance_step) over (
            partition by {{ cell }} order by followed_seconds
            rows between unbounded preceding and current row
        ) as {{ type_double() }}) as variance

    from steps
),

-- On the log-log scale a limit stays between 0 and 1; before anything is deployed there is none.
limited as (
    select
        *,
        case when is_last = 1 then 0 else exp(log_surviving) end as share,
        case
            when is_last = 0 and log_surviving < 0
                then exp(log_surviving * exp({{ z }} * sqrt(variance) / -log_surviving))
        end as share_lower,
        case
            when is_last = 0 and log_surviving < 0
                then exp(log_surviving * exp(-{{ z }} * sqrt(variance) / -log_surviving))
        end as share_upper

    from surviving
    where deployed_count > 0
),

-- Brookmeyer and Crowley: a limit of the median is where a limit of the curve comes down to a half.
medians as (
    select
        {{ cell }},
        min(case when share <= {{ half }} then followed_seconds end) as median,
        min(case when share_lower <= {{ half }} then followed_seconds end) as median_lower,
        min(case when share_upper <= {{ half }} then followed_seconds end) as median_upper

    from limited
    group by {{ cell }}
),

-- No bound may be one person's extreme: five events and three people lie beyond it.
sided as (
    select
        cells.grain,
        cells.grain_key,
        cells.bucket,
        cells.bucket_start,
        count(*) as sample_size,
        max(medians.median) as median,
        max(medians.median_lower) as median_lower,
        max(medians.median_upper) as median_upper,
        sum(
            case
                when cells.is_deployed = 1 and cells.followed_seconds < medians.median_lower then 1
                else 0
            end
        ) as events_below,
        sum(case when cells.followed_seconds > medians.median_upper then 1 else 0 end)
            as events_above,
        count(
            distinct case
                when cells.is_deployed = 1 and cells.followed_seconds < medians.median_lower
                    then cells.author_key
            end
        ) as people_below,
        count(
            distinct case
                when cells.followed_seconds > medians.median_upper then cells.author_key
            end
        ) as people_above

    from cells
    inner join medians
        on
            cells.grain = medians.grain
            and cells.grain_key = medians.grain_key
            and cells.bucket = medians.bucket
            and cells.bucket_start = medians.bucket_start
    group by cells.grain, cells.grain_key, cells.bucket, cells.bucket_start
),

ranged as (
    select
        'flow_time_censored' as metric_key,
        'all' as slice,
        'all' as slice_value,
        'p50' as statistic,
        'wall' as clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        median / 3600.0 as value,
        median_lower / 3600.0 as lower_bound,
        median_upper / 3600.0 as upper_bound,
        cast(null as {{ type_double() }}) as numerator,
        cast(null as {{ type_double() }}) as denominator,
        sample_size,
        'kaplan_meier' as method,
        median is not null
        and events_below >= 5
        and events_above >= 5
        and people_below >= 3
        and people_above >= 3 as is_supported

    from sided
),

-- Doubles end here: what follows compares and cuts exact decimals.
final as (
    {{ exact_observation('ranged') }}
)

select * from final
