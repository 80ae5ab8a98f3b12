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

        -- properties
        commits.author_is_bot,

        -- timestamps
        commits.authored_at,
        commits.committed_at

    from change_commits
    inner join commits on change_commits.commit_key = commits.commit_key
    inner join changes on change_commits.change_key = changes.change_key
    where
        commits.authored_at is not null
        -- A merge or squash commit is written at the merge: it says nothing of when work began.
        and not (
            commits.commit_key = coalesce(changes.merge_commit_key, '')
            and (
                coalesce(commits.parent_count, 1) > 1
                or commits.authored_at >= {{ minutes_before('changes.merged_at', 1) }}
            )
        )
)

select * from final
