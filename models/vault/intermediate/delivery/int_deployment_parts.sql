with production_deployments as (
    select * from {{ ref('int_production_deployments') }}
),

system_paths as (
    select * from {{ ref('int_system_paths') }}
),

-- What names no system is a deployment of every system of its repository.
placed as (
    select distinct
        production_deployments.deployment_id,
        production_deployments.commit_key,
        production_deployments.undoes_deployment_id,
        production_deployments.is_hotfix,
        production_deployments.is_rollback,
        production_deployments.is_planning_known,
        production_deployments.finished_at,
        coalesce(production_deployments.system_key, system_paths.system_key, 'unassigned')
            as system_key,
        coalesce(production_deployments.commit_key, production_deployments.deployment_id)
            as what_went_out,
        -- Going back to a commit within the hour is no further region of it.
        case
            when
                production_deployments.is_rollback
                or production_deployments.undoes_deployment_id is not null
                then 1
            else 0
        end as goes_back

    from production_deployments
    left join system_paths
        on
            production_deployments.system_key is null
            and production_deployments.repository = system_paths.repository
            and cast(production_deployments.finished_at as date) >= system_paths.valid_from
            and cast(production_deployments.finished_at as date) < system_paths.valid_to
),

-- Regions and clusters get the same commit one after the other.
followed as (
    select
        *,
        lag(finished_at) over (
            partition by system_key, what_went_out, goes_back
            order by finished_at, deployment_id
        ) as previous_finished_at

    from placed
),

numbered as (
    select
        *,
        sum(
            case
                when
                    {{ seconds_between('previous_finished_at', 'finished_at') }}
                    <= {{ setting('deployment_window_minutes') }} * 60
                    then 0
                else 1
            end
        ) over (
            partition by system_key, what_went_out, goes_back
            order by finished_at, deployment_id
            rows between unbounded preceding and current row
        ) as number

    from followed
),

final as (
    select
        -- keys
        deployment_id,
        system_key,
        system_key || '|' || min(deployment_id) over (
            partition by system_key, what_went_out, goes_back, number
        ) as deployment_key,
        commit_key,
        undoes_deployment_id,

        -- properties
        is_hotfix,
        is_rollback,
        is_planning_known,

        -- timestamps
        finished_at

    from numbered
)

select * from final
