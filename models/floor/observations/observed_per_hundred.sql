with measurements as (
    select * from {{ ref('int_system_measurements') }}
    where kind = 'per_hundred'
),

weeks as (
    select * from {{ ref('int_weeks') }}
),

placed as (
    select
        measurements.*,
        weeks.bucket,
        weeks.bucket_start

    from measurements
    inner join weeks
        on
            cast({{ dbt.date_trunc('week', 'measurements.counted_at') }} as date)
            = weeks.week_start
),

cells as (
    {{ at_each_grain('placed', columns=[
        'metric_key', 'slice', 'slice_value', 'clock', 'bucket', 'bucket_start', 'amount',
    ]) }}
),

counted as (
    select
        metric_key,
        slice,
        slice_value,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        cast(sum(amount) as {{ type_double() }}) as event_count,
        cast(count(*) - sum(amount) as {{ type_double() }}) as exposure

    from cells
    group by metric_key, slice, slice_value, clock, grain, grain_key, bucket, bucket_start
),

-- Where nothing went out there is nothing to count by, however much came back.
ranged as (
    select
        metric_key,
        slice,
        slice_value,
        'rate' as statistic,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        100 * event_count / exposure as value,
        100 * {{ poisson('event_count', 'lower') }} / exposure as lower_bound,
        100 * {{ poisson('event_count', 'upper') }} / exposure as upper_bound,
        event_count as numerator,
        exposure as denominator,
        exposure as sample_size,
        'poisson_wilson_hilferty' as method,
        true as is_supported

    from counted
    where exposure > 0
),

-- Doubles end here: what follows compares and cuts exact decimals.
final as (
    {{ exact_observation('ranged') }}
)

select * from final
