with landed as (
    {{ union_sources(
        'mainline_commits', key=['repository', 'commit_sha'], columns=['mainline_position'],
    ) }}
),

final as (
    select
        -- keys
        repository || '@' || commit_sha as commit_key,
        repository,

        -- properties
        mainline_position,
        source

    from landed
)

select * from final
