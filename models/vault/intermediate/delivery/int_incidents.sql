with incidents as (
    select * from {{ ref('stg_canonical__incidents') }}
),

environments as (
    select * from {{ ref('environments') }}
),

-- The system that holds a repository's own folder speaks for it.
system_paths as (
    select * from {{ ref('int_system_paths') }}
    where path_prefix = ''
),

systems as (
    select * from {{ ref('systems') }}
),

-- Who names a deployment names its system, if it reached one only.
system_of_deployments as (
    select
        deployment_id,
        min(system_key) as system_key

    from {{ ref('int_deployment_parts') }}
    group by deployment_id
    having count(*) = 1
),

system_owners as (
    select * from {{ ref('int_system_owners') }}
),

placed as (
    select
        incidents.*,
        coalesce(
            systems.system_key,
            system_paths.system_key,
            system_of_deployments.system_key,
            'unassigned'
        ) as placed_system_key,
        coalesce(incidents.resolved_at < incidents.opened_at, false) as is_order_repaired

    from incidents
    left join environments on lower(incidents.environment) = lower(environments.environment)
    -- A tracker's component is a system only if the organisation knows it as one.
    left join systems on incidents.system_key = systems.system_key
    left join system_paths
        on
            systems.system_key is null
            and incidents.repository = system_paths.repository
            and cast(incidents.opened_at as date) >= system_paths.valid_from
            and cast(incidents.opened_at as date) < system_paths.valid_to
    left join system_of_deployments
        on incidents.deployment_id = system_of_deployments.deployment_id
    where
        incidents.environment is null
        or environments.is_production
),

final as (
    select
        -- keys
        placed.incident_id,
        placed.placed_system_key as system_key,
        coalesce(system_owners.team_key, 'unassigned') as team_key,
        coalesce(system_owners.value_stream_key, 'unassigned') as value_stream_key,
        placed.deployment_id,
        placed.commit_key,
        placed.commit_sha,

        -- properties
        placed.severity,
        placed.is_order_repaired,

        -- timestamps
        placed.opened_at,
        -- One that ends before it starts says nothing of its end.
        case when not placed.is_order_repaired then placed.resolved_at end as resolved_at

    from placed
    left join system_owners
        on
            placed.placed_system_key = system_owners.system_key
            and cast(placed.opened_at as date) >= system_owners.valid_from
            and cast(placed.opened_at as date) < system_owners.valid_to
)

select * from final
