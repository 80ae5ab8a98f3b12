with landed as (
    {{ union_sources(
        'change_commits', key=['repository', 'change_id', 'commit_sha'],
    ) }}
),

final as (
    select
        -- keys
        repository || '!' || change_id as change_key,
        repository || '@' || commit_sha as commit_key,

        -- properties
        source

    from landed
)

select * from final
