-- The commit graph: a deployment carries the stretch of the main line between the one before it, of
-- the same system and repository, and the commit that it stands on.
with production_deployments as (
    select * from {{ ref('int_production_deployments') }}
),

mainline_commits as (
    select * from {{ ref('stg_canonical__mainline_commits') }}
),

placed as (
    select
        production_deployments.deployment_id,
        production_deployments.repository,
        coalesce(production_deployments.system_key, '') as system_key,
        production_deployments.finished_at,
        mainline_commits.mainline_position

    from production_deployments
    inner join mainline_commits on production_deployments.commit_key = mainline_commits.commit_key
),

followed as (
    select
        *,
        max(mainline_position) over (
            partition by repository, system_key order by finished_at, deployment_id
            rows between unbounded preceding and 1 preceding
        ) as reached_before

    from placed
),

-- What goes back, or out again, carries nothing new.
advances as (
    select * from followed
    where
        reached_before is null
        or mainline_position > reached_before
),

places as (
    select distinct
        repository,
        system_key

    from advances
),

timeline as (
    select
        repository,
        system_key,
        cast(null as {{ dbt.type_string() }}) as commit_key,
        mainline_position,
        mainline_position as reached

    from advances
    union all
    select
        places.repository,
        places.system_key,
        mainline_commits.commit_key,
        mainline_commits.mainline_position,
        null as reached

    from places
    inner join mainline_commits on places.repository = mainline_commits.repository
),

-- The first deployment at or after a commit's place, by one look ahead.
looked_ahead as (
    select
        repository,
        system_key,
        commit_key,
        min(reached) over (
            partition by repository, system_key order by mainline_position desc
            range between unbounded preceding and current row
        ) as carried_at

    from timeline
),

-- The first deployment of all has nothing before it: it carries what it names, not all history.
final as (
    select
        advances.deployment_id,
        looked_ahead.commit_key

    from looked_ahead
    inner join advances
        on
            looked_ahead.repository = advances.repository
            and looked_ahead.system_key = advances.system_key
            and looked_ahead.carried_at = advances.mainline_position
    where
        looked_ahead.commit_key is not null
        and advances.reached_before is not null
)

select * from final
