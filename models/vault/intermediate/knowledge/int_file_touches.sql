with commits as (
    select * from {{ ref('stg_canonical__commits') }}
    where
        coalesce(parent_count, 1) < 2
        and author_key is not null
        and not author_is_bot
),

commit_files as (
    select * from {{ ref('stg_canonical__commit_files') }}
),

mainline_commits as (
    select * from {{ ref('stg_canonical__mainline_commits') }}
),

accounts as (
    select * from {{ ref('stg_door__people') }}
),

-- Where the main line is told, only what came in counts: a squashed branch would count twice.
told_repositories as (
    select distinct repository
    from mainline_commits
),

final as (
    select
        -- keys
        commit_files.repository,
        commit_files.path,
        commit_files.previous_path,

        -- person data
        coalesce(accounts.person_key, commits.author_key) as person_key,

        -- properties
        commit_files.change_type,

        -- timestamps
        coalesce(commits.committed_at, commits.authored_at) as touched_at

    from commits
    inner join commit_files on commits.commit_key = commit_files.commit_key
    left join accounts on commits.author_key = accounts.landed_key
    left join told_repositories on commits.repository = told_repositories.repository
    left join mainline_commits on commits.commit_key = mainline_commits.commit_key
    where
        told_repositories.repository is null
        or mainline_commits.commit_key is not null
)

select * from final
