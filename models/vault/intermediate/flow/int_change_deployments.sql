with changes as (
    select * from {{ ref('stg_canonical__changes') }}
),

change_systems as (
    select * from {{ ref('int_change_systems') }}
),

production_deployments as (
    select * from {{ ref('int_production_deployments') }}
),

carried_commits as (
    select * from {{ ref('int_carried_commits') }}
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

-- A deployment reaches its system, or its whole repository where it names no system.
reaching as (
    select
        deployment_id,
        finished_at,
        case when system_key is null then 'repository' else 'system' end as reach,
        coalesce(system_key, repository) as reach_key

    from production_deployments
),

reachable as (
    select
        change_key,
        merge_commit_key,
        merged_at,
        'repository' as reach,
        repository as reach_key

    from merged
    union all
    select
        change_key,
        merge_commit_key,
        merged_at,
        'system' as reach,
        system_key as reach_key

    from merged
    where system_key is not null
),

by_commit as (
    select
        reachable.change_key,
        min(reaching.finished_at) as deployed_at

    from reachable
    inner join carried_commits on reachable.merge_commit_key = carried_commits.commit_key
    inner join reaching
        on
            carried_commits.deployment_id = reaching.deployment_id
            and reachable.reach = reaching.reach
            and reachable.reach_key = reaching.reach_key
    group by reachable.change_key
),

-- Systems and repositories of which some deployment says what it carries: there, time is silent.
with_commits as (
    select distinct
        reaching.reach,
        reaching.reach_key

    from reaching
    inner join carried_commits on reaching.deployment_id = carried_commits.deployment_id
),

change_with_commits as (
    select distinct reachable.change_key
    from reachable
    inner join with_commits
        on
            reachable.reach = with_commits.reach
            and reachable.reach_key = with_commits.reach_key
),

waiting as (
    select
        reachable.change_key,
        reachable.merged_at,
        reachable.reach,
        reachable.reach_key

    from reachable
    left join change_with_commits on reachable.change_key = change_with_commits.change_key
    where change_with_commits.change_key is null
),

timeline as (
    select
        change_key,
        merged_at as happened_at,
        cast(null as {{ dbt.type_timestamp() }}) as finished_at,
        reach,
        reach_key

    from waiting
    union all
    select
        cast(null as {{ dbt.type_string() }}) as change_key,
        finished_at as happened_at,
        finished_at,
        reach,
        reach_key

    from reaching
),

-- The next deployment after the merge, by one look ahead and not by pairing all with all.
followed as (
    select
        change_key,
        min(finished_at) over (
            partition by reach, reach_key order by happened_at desc
            range between unbounded preceding and current row
        ) as deployed_at

    from timeline
),

by_time as (
    select
        change_key,
        min(deployed_at) as deployed_at

    from followed
    where
        change_key is not null
        and deployed_at is not null
    group by change_key
),

final as (
    select
        change_key,
        deployed_at,
        'commit' as link_method

    from by_commit
    union all
    select
        change_key,
        deployed_at,
        'time' as link_method

    from by_time
)

select * from final
