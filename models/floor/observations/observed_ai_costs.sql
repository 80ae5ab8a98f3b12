with costs as (
    select * from {{ ref('int_ai_costs') }}
    where seat_cost is not null
),

weeks as (
    select * from {{ ref('int_weeks') }}
),

placed as (
    select
        costs.team_key,
        costs.value_stream_key,
        costs.seats,
        costs.seat_cost,
        weeks.bucket,
        weeks.bucket_start

    from costs
    inner join weeks on costs.week_start = weeks.week_start
),

cells as (
    {{ at_each_grain(
        'placed', columns=['bucket', 'bucket_start', 'seats', 'seat_cost'],
        grains=('team', 'value_stream', 'portfolio'),
    ) }}
),

summed as (
    select
        grain,
        grain_key,
        bucket,
        bucket_start,
        cast(sum(seat_cost) as {{ type_double() }}) as value,
        sum(seats) as sample_size

    from cells
    group by grain, grain_key, bucket, bucket_start
),

-- All seats are counted, and nothing is drawn from them: the bounds are the value.
ranged as (
    select
        'ai_cost' as metric_key,
        'all' as slice,
        'all' as slice_value,
        'total' as statistic,
        'none' as clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        value,
        value as lower_bound,
        value as upper_bound,
        cast(null as {{ type_double() }}) as numerator,
        cast(null as {{ type_double() }}) as denominator,
        cast(sample_size as bigint) as sample_size,
        'census' as method,
        true as is_supported

    from summed
),

-- Doubles end here: what follows compares and cuts exact decimals.
final as (
    {{ exact_observation('ranged') }}
)

select * from final
