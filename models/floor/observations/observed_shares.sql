with cells as (
    select * from {{ ref('int_measured_cells') }}
    where kind = 'share'
),

sides as (
    select * from {{ ref('floor_sides') }}
    where statistic = 'share'
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
        cast(sum(numerator) as {{ type_double() }}) as numerator,
        cast(sum(denominator) as {{ type_double() }}) as denominator

    from cells
    group by metric_key, slice, slice_value, clock, grain, grain_key, bucket, bucket_start
),

-- An exact share tells how many lie on either side: enough people must be behind both. In a quarter
-- in which that is so nowhere, few and nobody are told as one band.
sided as (
    select
        counted.*,
        counted.numerator / counted.denominator as share,
        coalesce(sides.is_open, false) as is_exact,
        coalesce(sides.is_banded, false) as is_banded

    from counted
    left join sides
        on
            counted.metric_key = sides.metric_key
            and counted.slice = sides.slice
            and counted.slice_value = sides.slice_value
            and counted.clock = sides.clock
            and counted.grain = sides.grain
            and counted.grain_key = sides.grain_key
            and counted.bucket = sides.bucket
            and counted.bucket_start = sides.bucket_start
),

ranged as (
    select
        metric_key,
        slice,
        slice_value,
        'share' as statistic,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        case when is_exact then share end as value,
        case
            when is_exact then {{ wilson('numerator', 'denominator', 'lower') }}
            when share < 0.1 then 0
            else 0.9
        end as lower_bound,
        case
            when is_exact then {{ wilson('numerator', 'denominator', 'upper') }}
            when share < 0.1 then 0.1
            else 1
        end as upper_bound,
        case when is_exact then numerator end as numerator,
        case when is_exact then denominator end as denominator,
        cast(denominator as bigint) as sample_size,
        case when is_exact then 'wilson' else 'band' end as method,
        is_exact or (is_banded and (share < 0.1 or share > 0.9)) as is_supported

    from sided
),

-- Doubles end here: what follows compares and cuts exact decimals.
final as (
    {{ exact_observation('ranged') }}
)

select * from final
