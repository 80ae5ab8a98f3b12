with commits as (
    select * from {{ source('github', 'pull_request_commits') }}
),

-- A commit may be part of several pull requests.
ranked as (
    select
        *,
        row_number() over (partition by repository, sha order by number) as preference

    from commits
),

final as (
    select
        -- keys
        repository,
        sha as commit_sha,
        reverts_commit_sha,

        -- person data
        author_key,
        author_is_bot,

        -- properties
        parent_count,
        cast(null as {{ dbt.type_boolean() }}) as is_mainline,
        is_assisted,
        is_revert,

        -- timestamps
        authored_at,
        committed_at

    from ranked
    where preference = 1
)

select * from final
