with landed as (
    {{ union_sources('commit_coauthors', [
        'repository', 'commit_sha', 'coauthor_key', 'coauthor_is_bot',
    ]) }}
),

-- An event that two sources deliver is one event: the source that knows most tells it.
ranked as (
    select
        *,
        row_number() over (
            partition by repository, commit_sha, coauthor_key order by source_rank
        ) as preference
    from landed
),

final as (
    select
        -- keys
        repository || '@' || commit_sha as commit_key,

        -- person data
        coauthor_key,
        coauthor_is_bot,

        -- properties
        source

    from ranked
    where preference = 1
)

select * from final
