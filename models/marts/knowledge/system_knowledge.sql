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
        cast(observations.lower_bound as bigint) as bus_factor_lower,
        cast(observations.upper_bound as bigint) as bus_factor_upper,
        -- Of a band without an end the lower one says it.
        {{ is_fragile('observations.lower_bound') }} as is_fragile,
        systems.criticality,
        systems.is_revenue_critical,
        observations.status,
        observations.as_of

    from observations
    inner join systems on observations.grain_key = systems.system_key
)

select * from final
