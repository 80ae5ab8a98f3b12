with change_reviews as (
    select * from {{ ref('stg_canonical__change_reviews') }}
),

changes as (
    select * from {{ ref('stg_canonical__changes') }}
),

final as (
    select
        change_reviews.change_key,
        change_reviews.review_id,
        change_reviews.source,
        change_reviews.submitted_at,
        changes.change_key is not null as is_matched

    from change_reviews
    left join changes on change_reviews.change_key = changes.change_key
)

select * from final
