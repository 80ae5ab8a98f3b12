with landed as (
    {{ union_sources('change_reviews', [
        'repository', 'change_id', 'review_id', 'kind', 'reviewer_key', 'reviewer_is_bot',
        'submitted_at',
    ]) }}
),

-- An event that two sources deliver is one event: the source that knows most tells it.
ranked as (
    select
        *,
        row_number() over (
            partition by repository, change_id, review_id order by source_rank
        ) as preference
    from landed
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

    from ranked
    where preference = 1
)

select * from final
