with cells as (
    select * from {{ ref('int_measured_cells') }}
    where kind = 'mean'
),

summed as (
    select
        metric_key,
        slice,
        slice_value,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        count(*) as sample_size,
        cast(sum(amount) as {{ type_double() }}) / count(*) as mean,
        cast(sum(amount * amount) as {{ type_double() }}) as sum_of_squares

    from cells
    group by metric_key, slice, slice_value, clock, grain, grain_key, bucket, bucket_start
),

spread as (
    select
        *,
        {{ t_quantile('(sample_size - 1.0)') }} * sqrt(
            greatest(sum_of_squares - sample_size * mean * mean, 0)
            / (sample_size - 1.0) / sample_size
        ) as half_width

    from summed
    where sample_size > 1
),

ranged as (
    select
        metric_key,
        slice,
        slice_value,
        'mean' as statistic,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        mean as value,
        greatest(mean - half_width, 0) as lower_bound,
        mean + half_width as upper_bound,
        cast(null as {{ type_double() }}) as numerator,
        cast(null as {{ type_double() }}) as denominator,
        sample_size,
        't' as method,
        true as is_supported

    from spread
),

-- Doubles end here: what follows compares and cuts exact decimals.
final as (
    {{ exact_observation('ranged') }}
)

select * from final
