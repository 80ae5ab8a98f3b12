with reviews as (
    select * from {{ source('github', 'pull_request_reviews') }}
),

review_comments as (
    select * from {{ source('github', 'pull_request_review_comments') }}
),

comments as (
    select * from {{ source('github', 'comments') }}
),

pull_requests as (
    select * from {{ source('github', 'pull_requests') }}
),

final as (
    select
        -- keys
        repository,
        number as change_id,
        'review ' || id as review_id,

        -- person data
        reviewer_key,
        reviewer_is_bot,

        -- properties
        case upper(state)
            when 'APPROVED' then 'approved'
            when 'CHANGES_REQUESTED' then 'changes_requested'
            when 'DISMISSED' then 'dismissed'
            else 'commented'
        end as kind,

        -- timestamps
        submitted_at

    from reviews
    where repository is not null
    union all
    select
        repository,
        number as change_id,
        'line ' || id as review_id,
        reviewer_key,
        reviewer_is_bot,
        'commented' as kind,
        created_at as submitted_at

    from review_comments
    where repository is not null
    union all
    -- GitHub keeps what is said under issues and under pull requests in one place.
    select
        comments.repository,
        comments.number as change_id,
        'comment ' || comments.id as review_id,
        comments.commenter_key as reviewer_key,
        comments.commenter_is_bot as reviewer_is_bot,
        'commented' as kind,
        comments.created_at as submitted_at

    from comments
    inner join pull_requests
        on
            comments.repository = pull_requests.repository
            and comments.number = pull_requests.number
)

select * from final
