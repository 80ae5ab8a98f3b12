with observations as (
    select * from {{ ref('floor_observations') }}
    where slice = 'stage'
),

intensities as (
    select * from observations
    where metric_key = 'wait_intensity'
),

shares as (
    select * from observations
    where metric_key = 'wait_share'
),

final as (
    select
        -- grain
        intensities.grain,
        intensities.grain_key,
        intensities.bucket,
        intensities.bucket_start,
        intensities.slice_value as stage,

        -- value
        cast(intensities.value as bigint) as intensity,
        shares.value as wait_share,
        shares.lower_bound as wait_share_lower,
        shares.upper_bound as wait_share_upper,
        intensities.value = 3 as is_binding,
        intensities.sample_size,
        intensities.status,
        intensities.as_of

    from intensities
    inner join shares
        on
            intensities.grain = shares.grain
            and intensities.grain_key = shares.grain_key
            and intensities.bucket = shares.bucket
            and intensities.bucket_start = shares.bucket_start
            and intensities.slice_value = shares.slice_value
)

select * from final
