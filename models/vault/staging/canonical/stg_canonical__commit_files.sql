with landed as (
    {{ union_sources('commit_files', [
        'repository', 'commit_sha', 'path', 'previous_path', 'change_type', 'additions',
        'deletions',
    ]) }}
),

-- An event that two sources deliver is one event: the source that knows most tells it.
ranked as (
    select
        *,
        row_number() over (
            partition by repository, commit_sha, path order by source_rank
        ) as preference
    from landed
),

final as (
    select
        -- keys
        repository || '@' || commit_sha as commit_key,
        repository,

        -- properties
        path,
        previous_path,
        change_type,
        additions,
        deletions,
        source

    from ranked
    where preference = 1
)

select * from final
