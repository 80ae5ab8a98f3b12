with cells as (
    select * from {{ ref('int_measured_cells') }}
    where kind = 'share'
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
        cast(sum(denominator) as {{ type_double() }}) as denominator,
        count(distinct case when numerator = 1 then subject_key end) as people_within,
        count(distinct case when numerator = 0 then subject_key end) as people_without

    from cells
    group by metric_key, slice, slice_value, clock, grain, grain_key, bucket, bucket_start
),

-- Fewer than three people on one side would be singled out by an exact share: it becomes a band.
sided as (
    select
        *,
        numerator / denominator as share,
        people_within < 3 or numerator = 0 as is_thin_within,
        people_without < 3 or numerator = denominator as is_thin_without

    from counted
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
        case when not is_thin_within and not is_thin_without then share end as value,
        case
            when is_thin_within then 0
            when is_thin_without then 0.9
            else {{ wilson('numerator', 'denominator', 'lower') }}
        end as lower_bound,
        case
            when is_thin_within then 0.1
            when is_thin_without then 1
            else {{ wilson('numerator', 'denominator', 'upper') }}
        end as upper_bound,
        case when not is_thin_within and not is_thin_without then numerator end as numerator,
        case when not is_thin_within and not is_thin_without then denominator end as denominator,
        cast(denominator as bigint) as sample_size,
        case when is_thin_within or is_thin_without then 'band' else 'wilson' end as method,
        case
            when is_thin_within and is_thin_without then false
            when is_thin_within then share < 0.1
            when is_thin_without then share > 0.9
            else true
        end as is_supported

    from sided
),

-- Doubles end here: what follows compares and cuts exact decimals.
final as (
    {{ exact_observation('ranged') }}
)

select * from final
