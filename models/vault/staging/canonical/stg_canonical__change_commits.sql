with landed as (
    {{ union_sources('change_commits', [
        'repository', 'change_id', 'commit_sha',
    ]) }}
),

-- An event that two sources deliver is one event: the source that knows most tells it.
ranked as (
    select
        *,
        row_number() over (
            partition by repository, change_id, commit_sha order by source_rank
        ) as preference
    from landed
),

final as (
    select
        -- keys
        repository || '!' || change_id as change_key,
        repository || '@' || commit_sha as commit_key,

        -- properties
        source

    from ranked
    where preference = 1
)

select * from final
