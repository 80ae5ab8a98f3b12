with deployment_commits as (
    select * from {{ source('devlake', 'cicd_deployment_commits') }}
),

deployments as (
    select * from {{ source('devlake', 'cicd_deployments') }}
),

pipelines as (
    select * from {{ source('devlake', 'cicd_pipelines') }}
),

pipeline_commits as (
    select * from {{ source('devlake', 'cicd_pipeline_commits') }}
),

tasks as (
    select * from {{ source('devlake', 'cicd_tasks') }}
),

scopes as (
    select * from {{ source('devlake', 'cicd_scopes') }}
),

repositories as (
    select * from {{ ref('stg_devlake__repositories') }}
),

-- A job that was skipped deployed nothing; of several environments, production is what counts.
deploying_tasks as (
    select
        pipeline_id,
        case
            when max(case when upper(environment) = 'PRODUCTION' then 1 else 0 end) = 1
                then 'production'
            else max(nullif(environment, ''))
        end as environment

    from tasks
    where
        upper(type) = 'DEPLOYMENT'
        and coalesce(upper(result), '') not like 'SKIP%'
    group by pipeline_id
),

-- Three tables tell of deployments, the first of them with most; what one tells, the next repeats.
told as (
    select
        1 as table_rank,
        id,
        coalesce(cicd_deployment_id, id) as told_of,
        cicd_scope_id,
        repo_id,
        repository,
        commit_sha,
        prev_success_deployment_commit_id,
        environment,
        result,
        is_hotfix,
        is_rollback,
        created_date,
        started_date,
        duration_sec,
        finished_date as finished_at,
        updated_at

    from deployment_commits
    union all
    select
        2 as table_rank,
        id,
        id as told_of,
        cicd_scope_id,
        null as repo_id,
        null as repository,
        null as commit_sha,
        null as prev_success_deployment_commit_id,
        environment,
        result,
        is_hotfix,
        is_rollback,
        created_date,
        started_date,
        duration_sec,
        finished_date as finished_at,
        updated_at

    from deployments
    union all
    select
        3 as table_rank,
        concat(
            pipelines.id,
            ':',
            coalesce(pipeline_commits.repository, pipeline_commits.repo_id, '')
        ) as id,
        pipelines.id as told_of,
        pipelines.cicd_scope_id,
        pipeline_commits.repo_id,
        pipeline_commits.repository,
        pipeline_commits.commit_sha,
        null as prev_success_deployment_commit_id,
        coalesce(nullif(pipelines.environment, ''), deploying_tasks.environment) as environment,
        pipelines.result,
        pipelines.is_hotfix,
        pipelines.is_rollback,
        pipelines.created_date,
        pipelines.started_date,
        pipelines.duration_sec,
        pipelines.finished_date as finished_at,
        pipelines.updated_at

    from pipelines
    inner join pipeline_commits on pipelines.id = pipeline_commits.pipeline_id
    left join deploying_tasks on pipelines.id = deploying_tasks.pipeline_id
    where
        (upper(pipelines.type) = 'DEPLOYMENT' or deploying_tasks.pipeline_id is not null)
        and coalesce(upper(pipelines.result), '') not like 'SKIP%'
),

first_told as (
    select
        *,
        rank() over (partition by told_of order by table_rank) as table_preference
    from told
),

placed as (
    select
        first_told.*,
        {{ without_connection('first_told.id') }} as deployment_id,
        coalesce(
            repositories.repository,
            first_told.repository,
            scopes.repository,
            {{ without_connection('first_told.cicd_scope_id') }},
            'unknown'
        ) as placed_repository

    from first_told
    left join repositories on first_told.repo_id = repositories.repo_id
    left join scopes on first_told.cicd_scope_id = scopes.id
    where first_told.table_preference = 1
),

ranked as (
    select
        *,
        row_number() over (
            partition by deployment_id
            order by updated_at desc nulls last, id asc, commit_sha asc
        ) as preference

    from placed
),

final as (
    select
        -- keys
        id as record_id,
        cicd_scope_id,
        deployment_id,
        placed_repository as repository,
        commit_sha,
        prev_success_deployment_commit_id,

        -- properties
        lower(coalesce(nullif(environment, ''), 'unknown')) as environment,
        case
            when upper(result) = 'SUCCESS' then 'success'
            when upper(result) = 'FAILURE' then 'failure'
            when upper(result) like 'ABORT%' then 'aborted'
        end as result,
        is_hotfix,
        is_rollback,
        preference = 1 as is_preferred,

        -- timestamps
        -- A start that is not told follows from the duration; without an end there is none.
        case
            when finished_at is not null
                then coalesce(
                    started_date,
                    {{ seconds_before('finished_at', 'duration_sec') }},
                    created_date
                )
        end as started_at,
        finished_at

    from ranked
)

select * from final
