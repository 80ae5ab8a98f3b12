with parts as (
    select * from {{ ref('int_deployment_parts') }}
),

carrying as (
    select distinct deployment_id from {{ ref('int_carried_commits') }}
),

system_owners as (
    select * from {{ ref('int_system_owners') }}
),

grouped as (
    select
        parts.deployment_key,
        parts.system_key,
        max(
            case
                when parts.is_hotfix or parts.is_rollback or parts.undoes_deployment_id is not null
                    then 1
                else 0
            end
        ) as is_marked_unplanned,
        max(case when parts.is_planning_known then 1 else 0 end) as is_planning_known,
        max(case when carrying.deployment_id is not null then 1 else 0 end) as has_commits,
        min(parts.finished_at) as finished_at

    from parts
    left join carrying on parts.deployment_id = carrying.deployment_id
    group by parts.deployment_key, parts.system_key
),

final as (
    select
        -- keys
        grouped.deployment_key,
        grouped.system_key,
        coalesce(system_owners.team_key, 'unassigned') as team_key,
        coalesce(system_owners.value_stream_key, 'unassigned') as value_stream_key,

        -- properties
        grouped.is_marked_unplanned = 1 as is_marked_unplanned,
        grouped.is_planning_known = 1 as is_planning_known,
        grouped.has_commits = 1 as has_commits,

        -- timestamps
        grouped.finished_at

    from grouped
    left join system_owners
        on
            grouped.system_key = system_owners.system_key
            and cast(grouped.finished_at as date) >= system_owners.valid_from
            and cast(grouped.finished_at as date) < system_owners.valid_to
)

select * from final
