with landed as (
    {{ union_sources(
        'commits', key=['repository', 'commit_sha'],
        columns=[
            'author_key', 'author_is_bot', 'authored_at', 'committed_at', 'parent_count',
            'is_mainline', 'is_assisted', 'is_revert', 'reverts_commit_sha',
        ],
    ) }}
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

    from landed
)

select * from final
