with changes as (
    select * from {{ ref('stg_canonical__changes') }}
),

change_commits as (
    select * from {{ ref('stg_canonical__change_commits') }}
),

commits as (
    select * from {{ ref('stg_canonical__commits') }}
),

commit_coauthors as (
    select * from {{ ref('stg_canonical__commit_coauthors') }}
),

change_reviews as (
    select * from {{ ref('stg_canonical__change_reviews') }}
),

accounts as (
    select * from {{ ref('stg_door__people') }}
),

authoring_accounts as (
    select
        change_key,
        author_key as landed_key

    from changes
    where author_key is not null and not author_is_bot
    union all
    select
        change_commits.change_key,
        commits.author_key as landed_key

    from change_commits
    inner join commits on change_commits.commit_key = commits.commit_key
    where commits.author_key is not null and not commits.author_is_bot
    union all
    select
        change_commits.change_key,
        commit_coauthors.coauthor_key as landed_key

    from change_commits
    inner join commit_coauthors on change_commits.commit_key = commit_coauthors.commit_key
    where not commit_coauthors.coauthor_is_bot
),

reviewing_accounts as (
    select
        change_key,
        reviewer_key as landed_key

    from change_reviews
    where
        kind in ('approved', 'changes_requested', 'commented', 'dismissed')
        and reviewer_key is not null
        and not reviewer_is_bot
),

-- Two accounts of one person are one.
authors as (
    select distinct
        authoring_accounts.change_key,
        coalesce(accounts.person_key, authoring_accounts.landed_key) as person_key,
        coalesce(accounts.is_resolved, false) as is_resolved

    from authoring_accounts
    left join accounts on authoring_accounts.landed_key = accounts.landed_key
),

looked_at as (
    select distinct
        reviewing_accounts.change_key,
        coalesce(accounts.person_key, reviewing_accounts.landed_key) as person_key,
        coalesce(accounts.is_resolved, false) as is_resolved

    from reviewing_accounts
    left join accounts on reviewing_accounts.landed_key = accounts.landed_key
),

reviewers as (
    select looked_at.*
    from looked_at
    left join authors
        on
            looked_at.change_key = authors.change_key
            and looked_at.person_key = authors.person_key
    where authors.person_key is null
),

final as (
    select
        change_key,
        'author' as role,
        person_key,
        is_resolved
    from authors
    union all
    select
        change_key,
        'reviewer' as role,
        person_key,
        is_resolved
    from reviewers
)

select * from final
