-- Made of what has passed, as it is published, and of assumptions: so it tells nothing new.
with adoption as (
    select * from {{ ref('floor_ai_adoption') }}
    where metric_key = 'ai_weekly_adoption'
),

costs as (
    select * from {{ ref('floor_delivered') }}
    where
        metric_key = 'ai_cost'
        and bucket = 'quarter'
),

assumptions as (
    select
        cast(hours_saved_low * hour_cost as {{ type_double() }}) as week_value_low,
        cast(hours_saved_high * hour_cost as {{ type_double() }}) as week_value_high,
        coalesce(valid_from, cast('1900-01-01' as date)) as holds_from,
        lead(valid_from, 1, cast('9999-01-01' as date)) over (
            order by coalesce(valid_from, cast('1900-01-01' as date))
        ) as holds_to

    from {{ ref('ai_value_assumptions') }}
),

-- A year of assumptions holds for its first quarter, though that began in December.
buckets as (
    select
        bucket_start,
        {{ dbt.dateadd('day', -1, 'bucket_end') }} as last_day

    from {{ ref('int_buckets') }}
    where bucket = 'quarter'
),

cells as (
    select * from {{ ref('floor_ai_cells') }}
),

series as (
    select * from {{ ref('metric_series') }}
    where metric_key in ('ai_value', 'ai_return')
),

metrics as (
    select * from {{ ref('metrics') }}
),

measurability as (
    select * from {{ ref('floor_measurability') }}
    where metric_key in ('ai_value', 'ai_return')
),

joined as (
    select
        adoption.grain,
        adoption.grain_key,
        adoption.bucket,
        adoption.bucket_start,
        adoption.sample_size,
        adoption.status as adoption_status,
        costs.status as cost_status,
        cast(costs.value as {{ type_double() }}) as paid,
        coalesce(cells.untold_seat_weeks, 0) as untold_seat_weeks,
        assumptions.week_value_low,
        assumptions.week_value_high,
        cast(adoption.lower_bound * adoption.sample_size as {{ type_double() }}) as least_weeks,
        cast(adoption.upper_bound * adoption.sample_size as {{ type_double() }}) as most_weeks

    from adoption
    left join costs
        on
            adoption.grain = costs.grain
            and adoption.grain_key = costs.grain_key
            and adoption.bucket_start = costs.bucket_start
    left join cells
        on
            adoption.grain = cells.grain
            and adoption.grain_key = cells.grain_key
            and adoption.bucket_start = cells.quarter_start
    inner join buckets on adoption.bucket_start = buckets.bucket_start
    left join assumptions
        on
            buckets.last_day >= assumptions.holds_from
            and buckets.last_day < assumptions.holds_to
),

-- What costs time is worth least where it is used most.
valued as (
    select
        *,
        least(least_weeks * week_value_low, most_weeks * week_value_low) as least_value,
        greatest(least_weeks * week_value_high, most_weeks * week_value_high) as greatest_value

    from joined
),

judged as (
    select
        series.metric_key,
        valued.grain,
        valued.grain_key,
        series.slice,
        series.slice_value,
        series.statistic,
        series.clock,
        valued.bucket,
        valued.bucket_start,
        cast(null as numeric(18, 6)) as value,
        case
            when series.metric_key = 'ai_value' then valued.least_value
            else (valued.least_value - valued.paid) / nullif(valued.paid, 0)
        end as lower_bound,
        case
            when series.metric_key = 'ai_value' then valued.greatest_value
            else (valued.greatest_value - valued.paid) / nullif(valued.paid, 0)
        end as upper_bound,
        cast(null as numeric(18, 6)) as numerator,
        cast(null as numeric(18, 6)) as denominator,
        valued.sample_size,
        'band' as method,
        metrics.precision_step,
        case
            when measurability.status != 'ok' then measurability.status
            when valued.adoption_status != 'ok' then valued.adoption_status
            when valued.cost_status != 'ok' then valued.cost_status
            -- Seats of whose use nobody tells are paid for: what they bring is not known.
            when valued.untold_seat_weeks > 0 then 'withheld'
            when valued.least_value is null or coalesce(valued.paid, 0) = 0 then 'no_data'
            else 'ok'
        end as status

    from valued
    cross join series
    inner join metrics on series.metric_key = metrics.metric_key
    inner join measurability
        on
            series.metric_key = measurability.metric_key
            and series.slice_value = measurability.slice_value
            and series.statistic = measurability.statistic
),

final as (
    {{ told_observation('judged') }}
)

select * from final
