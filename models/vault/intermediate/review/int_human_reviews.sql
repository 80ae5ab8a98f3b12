with change_reviews as (
    select * from {{ ref('stg_canonical__change_reviews') }}
),

accounts as (
    select * from {{ ref('stg_door__people') }}
),

people as (
    select * from {{ ref('int_change_people') }}
),

final as (
    select
        -- keys
        change_reviews.change_key,
        change_reviews.review_id,

        -- person data
        case when people.is_resolved then people.person_key end as reviewer_key,

        -- properties
        change_reviews.kind,

        -- timestamps
        change_reviews.submitted_at

    from change_reviews
    left join accounts on change_reviews.reviewer_key = accounts.landed_key
    -- Bots, deleted accounts and those who wrote the change are no reviewers of it.
    inner join people
        on
            change_reviews.change_key = people.change_key
            and coalesce(accounts.person_key, change_reviews.reviewer_key) = people.person_key
            and people.role = 'reviewer'
    where change_reviews.kind in ('approved', 'changes_requested', 'commented', 'dismissed')
)

select * from final
