with deployments as (
    select * from {{ ref('stg_canonical__deployments') }}
),

environments as (
    select * from {{ ref('environments') }}
),

systems as (
    select * from {{ ref('systems') }}
),

-- A source that never marks one tells nothing of what is unplanned; that is not to say none is.
marking_sources as (
    select distinct source
    from deployments
    where
        is_hotfix
        or is_rollback
        or undoes_deployment_id is not null
),

-- What failed on its way never reached production, and is no deployment of it.
final as (
    select
        -- keys
        deployments.deployment_id,
        deployments.repository,
        -- Whatever a source calls a system, it is one only if the organisation knows it.
        systems.system_key,
        deployments.commit_key,
        deployments.undoes_deployment_id,

        -- properties
        deployments.is_hotfix,
        deployments.is_rollback,
        marking_sources.source is not null as is_planning_known,

        -- timestamps
        deployments.finished_at

    from deployments
    inner join environments on lower(deployments.environment) = lower(environments.environment)
    left join marking_sources on deployments.source = marking_sources.source
    left join systems on deployments.system_key = systems.system_key
    where
        environments.is_production
        and deployments.result = 'success'
        and deployments.finished_at is not null
)

select * from final
