with lives as (
    select * from {{ ref('int_change_lives') }}
),

stages as (
    select * from {{ ref('int_change_stages') }}
),

rounds as (
    select * from {{ ref('int_review_rounds') }}
),

ci_waits as (
    select * from {{ ref('int_change_ci_waits') }}
),

sizes as (
    select * from {{ ref('int_change_sizes') }}
),

returns as (
    select * from {{ ref('int_change_returns') }}
),

outside_reviews as (
    select * from {{ ref('int_outside_reviews') }}
),

-- Behind an item without a change of any system nobody is known: whole less parts would be these.
item_lives as (
    select * from {{ ref('int_work_item_lives') }}
    where system_key != 'unassigned'
),

dependency_waits as (
    select * from {{ ref('int_dependency_waits') }}
),

assistance as (
    select * from {{ ref('int_change_assistance') }}
),

request_deliveries as (
    select * from {{ ref('int_request_deliveries') }}
),

-- A life that lacks a stage says nothing of how its time is shared out.
whole_lives as (
    select
        lives.change_key,
        lives.deployed_at

    from lives
    inner join stages on lives.change_key = stages.change_key
    where lives.deployed_at is not null
    group by lives.change_key, lives.deployed_at
    having
        count(stages.waiting_seconds) = 4
        and sum(stages.active_seconds + stages.waiting_seconds) > 0
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
        'started_and_merged' as population,
        merged_at as counted_at

    from lives
    where
        started_position is not null
        and merged_position is not null
    union all
    select
        change_key,
        'started_and_deployed' as population,
        deployed_at as counted_at

    from lives
    where
        started_position is not null
        and deployed_position is not null
    union all
    select
        change_key,
        'committed_and_deployed' as population,
        deployed_at as counted_at

    from lives
    where
        first_commit_at is not null
        and deployed_at is not null
    union all
    -- A stage before the merge counts when its change merges; Deploy when it is over.
    select
        stages.change_key,
        stages.stage as population,
        case when stages.stage = 'deploy' then lives.deployed_at else lives.merged_at end
            as counted_at

    from stages
    inner join lives on stages.change_key = lives.change_key
    where
        lives.merged_at is not null
        and stages.waiting_seconds is not null
    union all
    select
        change_key,
        'whole_life' as population,
        deployed_at as counted_at

    from whole_lives
    union all
    -- The same where CI is known: no run told is not no waiting for it.
    select
        whole_lives.change_key,
        'whole_life_with_ci' as population,
        whole_lives.deployed_at as counted_at

    from whole_lives
    inner join ci_waits on whole_lives.change_key = ci_waits.change_key
    union all
    -- The same where a tracker item tells what they depended on, and they waited at all.
    select
        whole_lives.change_key,
        'whole_life_tracked' as population,
        whole_lives.deployed_at as counted_at

    from whole_lives
    inner join dependency_waits on whole_lives.change_key = dependency_waits.change_key
    where dependency_waits.waiting_seconds > 0
    union all
    select
        change_key,
        'first_reviewed' as population,
        first_review_at as counted_at

    from lives
    where
        ready_position is not null
        and first_review_position is not null
    union all
    -- A source that delivers no reviews says nothing of coverage: it is not 0 %.
    select
        change_key,
        'reviewable' as population,
        merged_at as counted_at

    from lives
    where
        merged_at is not null
        and is_review_known
    union all
    select
        rounds.change_key,
        'review_rounds' as population,
        lives.merged_at as counted_at

    from rounds
    inner join lives on rounds.change_key = lives.change_key
    union all
    select
        sizes.change_key,
        'sized' as population,
        lives.merged_at as counted_at

    from sizes
    inner join lives on sizes.change_key = lives.change_key
    where lives.merged_at is not null
    union all
    -- Whether a change comes back is known when its days are over.
    select
        returns.change_key,
        'settled' as population,
        returns.settled_at as counted_at

    from returns
    inner join lives on returns.change_key = lives.change_key
    union all
    select
        ci_waits.change_key,
        'integration_with_ci' as population,
        lives.merged_at as counted_at

    from ci_waits
    inner join lives on ci_waits.change_key = lives.change_key
    where lives.merged_at is not null
    union all
    select
        change_key,
        'reviewed' as population,
        merged_at as counted_at

    from outside_reviews
    union all
    select
        change_key,
        'requested' as population,
        deployed_at as counted_at

    from request_deliveries
    union all
    select
        item_key as change_key,
        'completed_items' as population,
        resolved_at as counted_at

    from item_lives
    union all
    -- What has no type is of none: its share would be anybody's guess.
    select
        item_key as change_key,
        'typed_items' as population,
        resolved_at as counted_at

    from item_lives
    where work_type is not null
    union all
    select
        item_key as change_key,
        'placed_items' as population,
        resolved_at as counted_at

    from item_lives
    where initiative is not null
    union all
    select
        assistance.change_key,
        'assistance_known' as population,
        lives.merged_at as counted_at

    from assistance
    inner join lives on assistance.change_key = lives.change_key
    where lives.merged_at is not null
    union all
    select
        assistance.change_key,
        'zone_' || assistance.risk_zone as population,
        lives.merged_at as counted_at

    from assistance
    inner join lives on assistance.change_key = lives.change_key
    where lives.merged_at is not null
    union all
    -- Two halves that are the whole: what is not known to be assisted is the other one.
    select
        returns.change_key,
        case when assistance.is_assisted then 'settled_assisted' else 'settled_unassisted' end
            as population,
        returns.settled_at as counted_at

    from returns
    inner join lives on returns.change_key = lives.change_key
    left join assistance on returns.change_key = assistance.change_key
    union all
    select
        lives.change_key,
        case
            when assistance.is_assisted then 'first_reviewed_assisted'
            else 'first_reviewed_unassisted'
        end as population,
        lives.first_review_at as counted_at

    from lives
    left join assistance on lives.change_key = assistance.change_key
    where
        lives.ready_position is not null
        and lives.first_review_position is not null
)

select * from final
