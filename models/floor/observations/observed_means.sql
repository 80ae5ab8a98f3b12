with cells as (
    select * from {{ ref('int_measured_cells') }}
    where kind = 'mean'
),

sides as (
    select * from {{ ref('floor_sides') }}
    where statistic = 'mean'
),

people as (
    select
        metric_key,
        slice,
        slice_value,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        subject_key,
        count(*) as event_count,
        sum(amount) as amount,
        sum(amount * amount) as sum_of_squares

    from cells
    group by
        metric_key, slice, slice_value, clock, grain, grain_key, bucket, bucket_start, subject_key
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
        sum(event_count) as sample_size,
        sum(amount) as amount,
        max(amount) as largest_amount,
        cast(sum(amount) as {{ type_double() }}) / sum(event_count) as mean,
        cast(sum(sum_of_squares) as {{ type_double() }}) as sum_of_squares

    from people
    group by metric_key, slice, slice_value, clock, grain, grain_key, bucket, bucket_start
),

spread as (
    select
        summed.*,
        coalesce(sides.is_open, false) as is_exact,
        coalesce(sides.is_banded, false) as is_banded,
        {{ t_quantile('(summed.sample_size - 1.0)') }} * sqrt(
            greatest(summed.sum_of_squares - summed.sample_size * summed.mean * summed.mean, 0)
            / (summed.sample_size - 1.0) / summed.sample_size
        ) as half_width

    from summed
    left join sides
        on
            summed.metric_key = sides.metric_key
            and summed.slice = sides.slice
            and summed.slice_value = sides.slice_value
            and summed.clock = sides.clock
            and summed.grain = sides.grain
            and summed.grain_key = sides.grain_key
            and summed.bucket = sides.bucket
            and summed.bucket_start = sides.bucket_start
    where summed.sample_size > 1
),

-- A mean tells a sum, so enough people must be behind what is not zero. What one person has more
-- than half of, or what is the same for all, is not told.
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
        case when is_exact then mean end as value,
        case when is_exact then greatest(mean - half_width, 0) else 0 end as lower_bound,
        case when is_exact then mean + half_width else 0.1 end as upper_bound,
        cast(null as {{ type_double() }}) as numerator,
        cast(null as {{ type_double() }}) as denominator,
        cast(sample_size as bigint) as sample_size,
        case when is_exact then 't' else 'band' end as method,
        case
            when is_exact then largest_amount * 2 <= amount and half_width > 0
            else is_banded and mean < 0.1
        end as is_supported

    from spread
),

-- Doubles end here: what follows compares and cuts exact decimals.
final as (
    {{ exact_observation('ranged') }}
)

select * from final
