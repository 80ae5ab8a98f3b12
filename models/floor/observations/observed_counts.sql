with cells as (
    select * from {{ ref('int_measured_cells') }}
    where kind = 'count'
),

buckets as (
    select * from {{ ref('int_buckets') }}
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
        cast(sum(amount) as bigint) as event_count

    from cells
    group by metric_key, slice, slice_value, clock, grain, grain_key, bucket, bucket_start
),

lasting as (
    select
        counted.*,
        buckets.week_count

    from counted
    inner join buckets
        on
            counted.bucket = buckets.bucket
            and counted.bucket_start = buckets.bucket_start
),

bounded as (
    select
        *,
        {{ poisson('event_count', 'lower') }} as lower_bound,
        {{ poisson('event_count', 'upper') }} as upper_bound

    from lasting
),

ranged as (
    select
        metric_key,
        slice,
        slice_value,
        'count' as statistic,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        cast(event_count as {{ type_double() }}) as value,
        lower_bound,
        upper_bound,
        cast(null as {{ type_double() }}) as numerator,
        cast(null as {{ type_double() }}) as denominator,
        event_count as sample_size,
        'poisson_wilson_hilferty' as method,
        true as is_supported

    from bounded
    union all
    -- Buckets differ in length: what is compared is the rate per week.
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
        event_count * 1.0 / week_count as value,
        lower_bound / week_count as lower_bound,
        upper_bound / week_count as upper_bound,
        cast(null as {{ type_double() }}) as numerator,
        cast(null as {{ type_double() }}) as denominator,
        event_count as sample_size,
        'poisson_wilson_hilferty' as method,
        true as is_supported

    from bounded
),

-- Doubles end here: what follows compares and cuts exact decimals.
final as (
    {{ exact_observation('ranged') }}
)

select * from final
