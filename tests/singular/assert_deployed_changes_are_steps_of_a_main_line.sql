{{ config(group='vault') }}
-- No more changes go out than came in, and each after a deployment of its own system.
with deployed_changes as (
    select * from {{ ref('int_deployed_changes') }}
),

mainline_commits as (
    select * from {{ ref('stg_canonical__mainline_commits') }}
),

production_deployments as (
    select * from {{ ref('int_production_deployments') }}
),

steps as (
    select distinct
        repository || '#' || cast(mainline_position as {{ dbt.type_string() }}) as step_key

    from mainline_commits
)

select deployed_changes.step_key
from deployed_changes
left join steps on deployed_changes.step_key = steps.step_key
left join production_deployments
    on
        deployed_changes.deployed_at = production_deployments.finished_at
        and (
            production_deployments.system_key is null
            or deployed_changes.system_key = production_deployments.system_key
        )
where
    steps.step_key is null
    or production_deployments.deployment_id is null
