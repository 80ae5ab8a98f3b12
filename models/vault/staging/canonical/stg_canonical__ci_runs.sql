with landed as (
    {{ union_sources(
        'ci_runs', key=['repository', 'run_id'],
        columns=[
            'workflow', 'commit_sha', 'attempt', 'result', 'queued_at', 'started_at',
            'finished_at', 'is_mainline',
        ],
    ) }}
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
        is_mainline,
        source,

        -- timestamps
        queued_at,
        started_at,
        finished_at

    from landed
)

select * from final
