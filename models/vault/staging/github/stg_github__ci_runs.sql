with runs as (
    select * from {{ source('github', 'runs') }}
),

jobs as (
    select * from {{ source('github', 'jobs') }}
),

-- A run says when it was asked for; when it got a machine, only its jobs say.
first_jobs as (
    select
        run_id,
        run_attempt,
        min(started_at) as started_at

    from jobs
    group by run_id, run_attempt
),

final as (
    select
        -- keys
        runs.repository,
        runs.id as run_id,
        runs.head_sha as commit_sha,

        -- properties
        runs.name as workflow,
        runs.run_attempt as attempt,
        case
            when lower(runs.conclusion) = 'success' then 'success'
            when lower(runs.conclusion) in ('failure', 'timed_out', 'startup_failure')
                then 'failure'
            when lower(runs.conclusion) in ('skipped', 'neutral') then 'skipped'
            when runs.conclusion is not null then 'cancelled'
        end as result,
        cast(null as boolean) as is_mainline,

        -- timestamps
        coalesce(runs.run_started_at, runs.created_at) as queued_at,
        first_jobs.started_at,
        -- What has no conclusion has not ended, however often it changed.
        case when runs.conclusion is not null then runs.updated_at end as finished_at

    from runs
    left join first_jobs
        on
            runs.id = first_jobs.run_id
            and runs.run_attempt = first_jobs.run_attempt
)

select * from final
