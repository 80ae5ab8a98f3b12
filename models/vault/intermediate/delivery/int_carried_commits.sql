with production_deployments as (
    select * from {{ ref('int_production_deployments') }}
),

deployment_commits as (
    select * from {{ ref('stg_canonical__deployment_commits') }}
),

mainline_stretches as (
    select * from {{ ref('int_mainline_stretches') }}
),

told as (
    select distinct deployment_id from deployment_commits
),

-- The set that a deployment names, else what the commit graph tells of the commit that it stands
-- on, and at least that commit.
final as (
    select
        production_deployments.deployment_id,
        deployment_commits.commit_key

    from production_deployments
    inner join deployment_commits
        on production_deployments.deployment_id = deployment_commits.deployment_id
    union
    select
        mainline_stretches.deployment_id,
        mainline_stretches.commit_key

    from mainline_stretches
    left join told on mainline_stretches.deployment_id = told.deployment_id
    where told.deployment_id is null
    union
    select
        deployment_id,
        commit_key

    from production_deployments
    where commit_key is not null
)

select * from final
