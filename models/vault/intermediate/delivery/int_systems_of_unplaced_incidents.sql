with incidents as (
    select * from {{ ref('int_incidents') }}
    where system_key = 'unassigned'
),

devlake_incidents as (
    select * from {{ ref('stg_devlake__incidents') }}
),

board_repositories as (
    select * from {{ ref('stg_devlake__board_repositories') }}
),

system_paths as (
    select * from {{ ref('int_system_paths') }}
),

-- Whichever of them it was, none of them can be said to have had no incident.
final as (
    select distinct system_paths.system_key

    from incidents
    inner join devlake_incidents on incidents.incident_id = devlake_incidents.incident_id
    inner join board_repositories on devlake_incidents.scope_id = board_repositories.scope_id
    inner join system_paths on board_repositories.repository = system_paths.repository
)

select * from final
