with lives as (
    select * from {{ ref('int_change_lives') }}
),

final as (
    select
        change_key,
        'merged' as population,
        merged_at as counted_at

    from lives
    where merged_at is not null
    union all
    select
        change_key,
        'deployed' as population,
        deployed_at as counted_at

    from lives
    where deployed_at is not null
    union all
    select
        change_key,
        'first_reviewed' as population,
        first_review_at as counted_at

    from lives
    where first_review_at is not null
)

select * from final
