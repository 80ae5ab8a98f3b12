with landed as (
    {{ union_sources(
        'deployment_commits', key=['deployment_id', 'repository', 'commit_sha'],
    ) }}
),

final as (
    select
        -- keys
        repository || '@' || commit_sha as commit_key,
        deployment_id,

        -- properties
        source

    from landed
)

select * from final
