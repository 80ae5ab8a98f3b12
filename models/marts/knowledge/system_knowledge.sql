with observations as (
    select * from {{ ref('floor_observations') }}
    where metric_key = 'bus_factor'
),

systems as (
    select * from {{ ref('systems') }}
),

final as (
    select
        -- grain
        observations.grain,
        observations.grain_key,
        observations.bucket,
        observations.bucket_start,

        -- value
        cast(observations.value as bigint) as bus_factor,
        {{ is_fragile('observations.value') }} as is_fragile,
        systems.criticality,
        systems.is_revenue_critical,
        observations.status,
        observations.as_of

    from observations
    inner join systems on observations.grain_key = systems.system_key
)

select * from final
