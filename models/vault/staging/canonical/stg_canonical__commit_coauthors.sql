with landed as (
    {{ union_sources(
        'commit_coauthors', key=['repository', 'commit_sha', 'coauthor_key'],
        columns=[
            'coauthor_is_bot',
        ],
        people=['coauthor'],
    ) }}
),

final as (
    select
        -- keys
        repository || '@' || commit_sha as commit_key,

        -- person data
        coauthor_key,
        coauthor_is_bot,
        coauthor_is_resolved,

        -- properties
        source

    from landed
)

select * from final
