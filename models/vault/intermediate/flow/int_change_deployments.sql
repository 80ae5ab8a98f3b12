with changes as (
    select * from {{ ref('stg_canonical__changes') }}
),

change_systems as (
    select * from {{ ref('int_change_systems') }}
),

deployments as (
    select * from {{ ref('stg_canonical__deployments') }}
),

deployment_commits as (
    select * from {{ ref('stg_canonical__deployment_commits') }}
),

environments as (
    select * from {{ ref('environments') }}
),

production as (
    select deployments.*
    from deployments
    inner join environments on lower(deployments.environment) = lower(environments.environment)
    where
        environments.is_production
        and deployments.result = 'success'
),

carried as (
    select
        deployment_id,
        commit_key
    from deployment_commits
    union
    select
        deployment_id,
        commit_key
    from production
    where commit_key is not null
),

merged as (
    select
        changes.change_key,
        changes.repository,
        changes.merge_commit_key,
        changes.merged_at,
        change_systems.system_key

    from changes
    inner join change_systems on changes.change_key = change_systems.change_key
    where changes.merged_at is not null
),

by_commit as (
    select
        merged.change_key,
        min(production.finished_at) as deployed_at

    from merged
    inner join carried on merged.merge_commit_key = carried.commit_key
    inner join production
        on
            carried.deployment_id = production.deployment_id
            and merged.repository = production.repository
            and (production.system_key is null or merged.system_key = production.system_key)
    group by merged.change_key
),

-- Repositories and systems whose deployments say nothing of commits: only there, time decides.
without_commits as (
    select
        production.repository,
        production.system_key

    from production
    left join carried on production.deployment_id = carried.deployment_id
    group by production.repository, production.system_key
    having count(carried.commit_key) = 0
),

by_time as (
    select
        merged.change_key,
        min(production.finished_at) as deployed_at

    from merged
    inner join without_commits
        on
            merged.repository = without_commits.repository
            and (
                without_commits.system_key is null
                or merged.system_key = without_commits.system_key
            )
    inner join production
        on
            merged.repository = production.repository
            and (production.system_key is null or merged.system_key = production.system_key)
            and merged.merged_at <= production.finished_at
    group by merged.change_key
),

final as (
    select
        change_key,
        deployed_at,
        'commit' as link_method

    from by_commit
    union all
    select
        by_time.change_key,
        by_time.deployed_at,
        'time' as link_method

    from by_time
    left join by_commit on by_time.change_key = by_commit.change_key
    where by_commit.change_key is null
)

select * from final
