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

authors as (
    select
        change_key,
        author_key as person_key,
        author_is_resolved as is_resolved

    from changes
    where author_key is not null and not author_is_bot
    union
    select
        change_commits.change_key,
        commits.author_key as person_key,
        commits.author_is_resolved as is_resolved

    from change_commits
    inner join commits on change_commits.commit_key = commits.commit_key
    where commits.author_key is not null and not commits.author_is_bot
    union
    select
        change_commits.change_key,
        commit_coauthors.coauthor_key as person_key,
        commit_coauthors.coauthor_is_resolved as is_resolved

    from change_commits
    inner join commit_coauthors on change_commits.commit_key = commit_coauthors.commit_key
    where not commit_coauthors.coauthor_is_bot
),

reviewers as (
    select distinct
        change_reviews.change_key,
        change_reviews.reviewer_key as person_key,
        change_reviews.reviewer_is_resolved as is_resolved

    from change_reviews
    left join authors
        on
            change_reviews.change_key = authors.change_key
            and change_reviews.reviewer_key = authors.person_key
    where
        change_reviews.kind in ('approved', 'changes_requested', 'commented', 'dismissed')
        and change_reviews.reviewer_key is not null
        and not change_reviews.reviewer_is_bot
        and authors.person_key is null
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
