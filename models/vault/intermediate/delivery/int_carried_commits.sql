with production_deployments as (
    select * from {{ ref('int_production_deployments') }}
),

deployment_commits as (
    select * from {{ ref('stg_canonical__deployment_commits') }}
),

-- The set that a deployment names, and at least the commit that it stands on.
final as (
    select
        production_deployments.deployment_id,
        deployment_commits.commit_key

    from production_deployments
    inner join deployment_commits
        on production_deployments.deployment_id = deployment_commits.deployment_id
    union
    select
        deployment_id,
        commit_key

    from production_deployments
    where commit_key is not null
)

select * from final
