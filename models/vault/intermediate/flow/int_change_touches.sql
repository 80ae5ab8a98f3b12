with commit_times as (
    select * from {{ ref('int_change_commit_times') }}
),

change_reviews as (
    select * from {{ ref('stg_canonical__change_reviews') }}
),

final as (
    select
        change_key,
        'commit' as kind,
        authored_at as touched_at,
        {{ minutes_before('authored_at', setting('touch_minutes')) }} as vouched_from

    from commit_times
    where not author_is_bot
    union all
    select
        change_key,
        'review' as kind,
        submitted_at as touched_at,
        {{ minutes_before('submitted_at', setting('review_touch_minutes')) }} as vouched_from

    from change_reviews
    where
        kind in ('approved', 'changes_requested', 'commented', 'dismissed')
        and reviewer_key is not null
        and not reviewer_is_bot
)

select * from final
