with observations as (
    select * from {{ ref('floor_observations') }}
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
        lower_bound,
        upper_bound,
        numerator,
        denominator,
        sample_size,
        method,
        status,
        as_of

    from observations
)

select * from final
