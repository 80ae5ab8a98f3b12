with observations as (
    select * from {{ ref('floor_observations') }}
),

final as (
    select
        -- grain
        slice_value as source,
        bucket,
        bucket_start,
        metric_key,

        -- value
        value,
        lower_bound,
        upper_bound,
        status,
        as_of

    from observations
    where slice = 'source'
)

select * from final
