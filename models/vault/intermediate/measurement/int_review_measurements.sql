with lives as (
    select * from {{ ref('int_change_lives') }}
),

rounds as (
    select * from {{ ref('int_review_rounds') }}
),

waits as (
    select
        change_key,
        {{ seconds_between('ready_at', 'first_review_at') }} as wall_seconds,
        first_review_position - ready_position as working_seconds

    from lives
    where
        ready_position is not null
        and first_review_position is not null
),

final as (
    select
        change_key,
        'time_to_first_review' as metric_key,
        'first_reviewed' as population,
        'duration' as kind,
        'all' as stage,
        'wall' as clock,
        cast(wall_seconds as bigint) as amount,
        cast(null as bigint) as numerator,
        cast(null as bigint) as denominator

    from waits
    union all
    select
        change_key,
        'time_to_first_review' as metric_key,
        'first_reviewed' as population,
        'duration' as kind,
        'all' as stage,
        'working' as clock,
        cast(working_seconds as bigint) as amount,
        cast(null as bigint) as numerator,
        cast(null as bigint) as denominator

    from waits
    union all
    select
        change_key,
        'review_rounds' as metric_key,
        'review_rounds' as population,
        'mean' as kind,
        'all' as stage,
        'none' as clock,
        round_count as amount,
        cast(null as bigint) as numerator,
        cast(null as bigint) as denominator

    from rounds
    union all
    select
        change_key,
        'review_rounds' as metric_key,
        'review_rounds' as population,
        'share' as kind,
        'all' as stage,
        'none' as clock,
        cast(null as bigint) as amount,
        case when round_count >= 3 then cast(1 as bigint) else cast(0 as bigint) end as numerator,
        cast(1 as bigint) as denominator

    from rounds
    union all
    select
        change_key,
        'review_coverage' as metric_key,
        'reviewable' as population,
        'share' as kind,
        'all' as stage,
        'none' as clock,
        cast(null as bigint) as amount,
        case when is_approved then cast(1 as bigint) else cast(0 as bigint) end as numerator,
        cast(1 as bigint) as denominator

    from lives
    -- A source that delivers no reviews says nothing of coverage: it is not 0 %.
    where
        merged_at is not null
        and is_review_known
)

select * from final
