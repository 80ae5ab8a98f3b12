with landed as (
    {{ union_sources('deployment_commits', [
        'deployment_id', 'repository', 'commit_sha',
    ]) }}
),

-- An event that two sources deliver is one event: the source that knows most tells it.
ranked as (
    select
        *,
        row_number() over (
            partition by deployment_id, repository, commit_sha order by source_rank
        ) as preference
    from landed
),

final as (
    select
        -- keys
        repository || '@' || commit_sha as commit_key,
        deployment_id,

        -- properties
        source

    from ranked
    where preference = 1
)

select * from final
