with commits as (
    select * from {{ source('github', 'pull_request_commits') }}
),

final as (
    select
        -- keys
        repository,
        number as change_id,
        sha as commit_sha

    from commits
)

select * from final
