with boundaries as (
    select * from {{ ref('int_change_boundaries') }}
),

human_reviews as (
    select * from {{ ref('int_human_reviews') }}
),

commit_times as (
    select * from {{ ref('int_change_commit_times') }}
),

events as (
    select
        change_key,
        submitted_at as happened_at,
        'review' as kind

    from human_reviews
    union all
    select
        change_key,
        coalesce(committed_at, authored_at) as happened_at,
        'commit' as kind

    from commit_times
),

before_approval as (
    select
        events.change_key,
        events.kind,
        lag(events.kind) over (
            partition by events.change_key order by events.happened_at, events.kind
        ) as previous_kind

    from events
    inner join boundaries on events.change_key = boundaries.change_key
    where events.happened_at <= boundaries.approved_at
),

counted as (
    select
        change_key,
        sum(case when kind = 'commit' and previous_kind = 'review' then 1 else 0 end) as round_count

    from before_approval
    group by change_key
),

with_commits as (
    select distinct change_key from commit_times
),

final as (
    select
        boundaries.change_key,
        cast(coalesce(counted.round_count, 0) as bigint) as round_count

    from boundaries
    -- Without its commits nobody can tell what followed a review.
    inner join with_commits on boundaries.change_key = with_commits.change_key
    left join counted on boundaries.change_key = counted.change_key
    where
        boundaries.merged_at is not null
        and boundaries.is_review_known
)

select * from final
