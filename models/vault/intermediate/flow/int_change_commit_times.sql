with changes as (
    select * from {{ ref('stg_canonical__changes') }}
),

change_commits as (
    select * from {{ ref('stg_canonical__change_commits') }}
),

commits as (
    select * from {{ ref('stg_canonical__commits') }}
),

final as (
    select
        -- keys
        change_commits.change_key,
        change_commits.commit_key,

        -- person data
        commits.author_key,
        commits.author_is_bot,

        -- timestamps
        commits.authored_at,
        commits.committed_at

    from change_commits
    inner join commits on change_commits.commit_key = commits.commit_key
    inner join changes on change_commits.change_key = changes.change_key
    where
        commits.authored_at is not null
        -- A merge or squash commit is made at the merge: it says nothing of when work began.
        and (changes.merge_commit_key is null or commits.commit_key != changes.merge_commit_key)
)

select * from final
