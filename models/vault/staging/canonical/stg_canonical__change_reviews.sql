with landed as (
    {{ union_sources(
        'change_reviews', key=['repository', 'change_id', 'review_id'],
        columns=[
            'kind', 'reviewer_key', 'reviewer_is_bot', 'submitted_at',
        ],
    ) }}
),

final as (
    select
        -- keys
        repository || '!' || change_id as change_key,
        review_id,

        -- person data
        reviewer_key,
        reviewer_is_bot,

        -- properties
        kind,
        source,

        -- timestamps
        submitted_at

    from landed
)

select * from final
