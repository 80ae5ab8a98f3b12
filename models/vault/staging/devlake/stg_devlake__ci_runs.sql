with pipelines as (
    select * from {{ source('devlake', 'cicd_pipelines') }}
),

pipeline_commits as (
    select * from {{ source('devlake', 'cicd_pipeline_commits') }}
),

repositories as (
    select * from {{ ref('stg_devlake__repositories') }}
),

placed as (
    select
        pipelines.*,
        -- DevLake dates the end of a run that still runs by its last change.
        case
            when coalesce(upper(pipelines.status), '') != 'IN_PROGRESS'
                then pipelines.finished_date
        end as ended_at,
        pipeline_commits.commit_sha,
        coalesce(
            repositories.repository,
            pipeline_commits.repository,
            {{ without_connection('pipeline_commits.repo_id') }}
        ) as repository

    from pipelines
    inner join pipeline_commits on pipelines.id = pipeline_commits.pipeline_id
    left join repositories on pipeline_commits.repo_id = repositories.repo_id
),

ranked as (
    select
        *,
        {{ without_connection('id') }} as run_id,
        row_number() over (
            partition by repository, {{ without_connection('id') }}
            order by updated_at desc nulls last, id asc, commit_sha asc
        ) as preference

    from placed
    where repository is not null
),

final as (
    select
        -- keys
        repository,
        run_id,
        commit_sha,

        -- properties
        name as workflow,
        -- DevLake keeps the last attempt and does not count them.
        cast(null as {{ dbt.type_bigint() }}) as attempt,
        case
            when ended_at is null then null
            when upper(original_result) like 'CANCEL%' or upper(result) like 'ABORT%'
                then 'cancelled'
            when upper(original_result) = 'SKIPPED' then 'skipped'
            when upper(result) = 'SUCCESS' then 'success'
            when upper(result) = 'FAILURE' then 'failure'
        end as result,
        cast(null as boolean) as is_mainline,

        -- timestamps
        coalesce(queued_date, created_date) as queued_at,
        coalesce(
            started_date,
            {{ seconds_before('ended_at', 'duration_sec') }}
        ) as started_at,
        ended_at as finished_at

    from ranked
    where preference = 1
)

select * from final
