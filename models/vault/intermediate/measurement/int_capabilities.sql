with lives as (
    select * from {{ ref('int_change_lives') }}
),

deliveries as (
    select * from {{ ref('int_deliveries') }}
),

commit_times as (
    select * from {{ ref('int_change_commit_times') }}
),

spans as (
    select * from {{ ref('int_change_active_spans') }}
),

found as (
    select
        'changes' as capability,
        count(merged_at) as row_count
    from lives
    union all
    select
        'start' as capability,
        count(started_at) as row_count
    from lives
    union all
    select
        'opened' as capability,
        count(ready_at) as row_count
    from lives
    union all
    select
        'open_work' as capability,
        sum(case when merged_at is null then 1 else 0 end) as row_count
    from lives
    union all
    select
        'reviews' as capability,
        count(*) as row_count
    from deliveries
    where entity = 'change_reviews'
    union all
    select
        'deployments' as capability,
        count(deployed_at) as row_count
    from lives
    union all
    select
        'commits' as capability,
        count(*) as row_count
    from commit_times
    union all
    select
        'evidence' as capability,
        count(*) as row_count
    from spans
    union all
    -- Reviews alone say nothing of the work in Dev: all of it would read as waiting.
    select
        'dev_evidence' as capability,
        count(*) as row_count
    from spans
    where stage = 'dev'
),

final as (
    select
        capability,
        coalesce(row_count, 0) > 0 as is_delivered

    from found
)

select * from final
