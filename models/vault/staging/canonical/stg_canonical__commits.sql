with landed as (
    {{ union_sources('commits', [
        'repository', 'commit_sha', 'author_key', 'author_is_bot', 'authored_at',
        'committed_at', 'parent_count', 'is_mainline', 'is_assisted', 'is_revert',
        'reverts_commit_sha',
    ]) }}
),

-- An event that two sources deliver is one event: the source that knows most tells it.
ranked as (
    select
        *,
        row_number() over (
            partition by repository, commit_sha order by source_rank
        ) as preference
    from landed
),

final as (
    select
        -- keys
        repository || '@' || commit_sha as commit_key,
        repository,
        commit_sha,
        reverts_commit_sha,

        -- person data
        author_key,
        author_is_bot,

        -- properties
        parent_count,
        is_mainline,
        is_assisted,
        is_revert,
        source,

        -- timestamps
        authored_at,
        committed_at

    from ranked
    where preference = 1
)

select * from final
