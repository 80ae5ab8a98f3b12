with landed as (
    {{ union_sources(
        'commit_coauthors', key=['repository', 'commit_sha', 'coauthor_key'],
        columns=[
            'coauthor_is_bot',
        ],
    ) }}
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

    from landed
)

select * from final
