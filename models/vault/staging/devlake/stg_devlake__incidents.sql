with incidents as (
    select * from {{ source('devlake', 'incidents') }}
),

issues as (
    select * from {{ source('devlake', 'issues') }}
),

board_issues as (
    select * from {{ source('devlake', 'board_issues') }}
),

board_repositories as (
    select * from {{ ref('stg_devlake__board_repositories') }}
),

work_item_keys as (
    select * from {{ ref('stg_devlake__work_item_keys') }}
),

-- Older schemas have incidents among the issues only.
told as (
    select
        id,
        component,
        coalesce(nullif(severity, ''), nullif(priority, '')) as severity,
        scope_id,
        created_date,
        resolution_date,
        updated_at

    from incidents
    union all
    select
        issues.id,
        issues.component,
        coalesce(nullif(issues.severity, ''), nullif(issues.priority, '')) as severity,
        board_issues.board_id as scope_id,
        issues.created_date,
        issues.resolution_date,
        issues.updated_at

    from issues
    left join board_issues on issues.id = board_issues.issue_id
    where
        upper(issues.type) = 'INCIDENT'
        and issues.id not in (select incidents.id from incidents)
),

-- A board speaks for a repository only where its projects hold no other.
sole_repositories as (
    select
        scope_id,
        min(repository) as repository

    from board_repositories
    group by scope_id
    having count(*) = 1
),

placed as (
    select
        told.*,
        work_item_keys.work_item_id as incident_id,
        sole_repositories.repository

    from told
    inner join work_item_keys on told.id = work_item_keys.issue_id
    left join sole_repositories on told.scope_id = sole_repositories.scope_id
),

ranked as (
    select
        *,
        row_number() over (
            partition by incident_id
            order by updated_at desc nulls last, repository asc nulls last, id asc
        ) as preference

    from placed
),

final as (
    select
        -- keys
        incident_id,
        nullif(component, '') as system,
        repository,
        scope_id,
        cast(null as {{ dbt.type_string() }}) as deployment_id,
        cast(null as {{ dbt.type_string() }}) as commit_sha,

        -- properties
        cast(null as {{ dbt.type_string() }}) as environment,
        severity,

        -- timestamps
        created_date as opened_at,
        resolution_date as resolved_at

    from ranked
    where preference = 1
)

select * from final
