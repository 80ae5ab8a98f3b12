with landed as (
    {{ union_sources('ci_runs', [
        'repository', 'run_id', 'workflow', 'commit_sha', 'attempt', 'result', 'queued_at',
        'started_at', 'finished_at',
    ]) }}
),

-- An event that two sources deliver is one event: the source that knows most tells it.
ranked as (
    select
        *,
        row_number() over (
            partition by repository, run_id order by source_rank
        ) as preference
    from landed
),

final as (
    select
        -- keys
        repository || '@' || commit_sha as commit_key,
        repository,
        run_id,

        -- properties
        workflow,
        attempt,
        result,
        source,

        -- timestamps
        queued_at,
        started_at,
        finished_at

    from ranked
    where preference = 1
)

select * from final
