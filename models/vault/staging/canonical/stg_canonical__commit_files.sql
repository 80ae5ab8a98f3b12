with landed as (
    {{ union_sources(
        'commit_files', key=['repository', 'commit_sha', 'path'],
        columns=[
            'previous_path', 'change_type', 'additions', 'deletions',
        ],
    ) }}
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

    from landed
)

select * from final
