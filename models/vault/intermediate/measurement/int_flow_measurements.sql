with lives as (
    select * from {{ ref('int_change_lives') }}
),

stages as (
    select * from {{ ref('int_change_stages') }}
),

-- Whole lives only: a life that lacks a stage says nothing of how its time is shared out.
whole_lives as (
    select
        stages.change_key,
        sum(stages.active_seconds) as active_seconds,
        sum(stages.active_seconds + stages.waiting_seconds) as life_seconds

    from stages
    inner join lives on stages.change_key = lives.change_key
    where lives.deployed_at is not null
    group by stages.change_key
    having
        count(*) = 4
        and sum(stages.active_seconds + stages.waiting_seconds) > 0
),

flow_time as (
    select
        change_key,
        'flow_time' as metric_key,
        'deployed' as population,
        'all' as stage,
        {{ seconds_between('started_at', 'deployed_at') }} as wall_seconds,
        deployed_position - started_position as working_seconds

    from lives
    where
        started_at is not null
        and deployed_at is not null
),

flow_time_to_merge as (
    select
        change_key,
        'flow_time_to_merge' as metric_key,
        'merged' as population,
        'all' as stage,
        {{ seconds_between('started_at', 'merged_at') }} as wall_seconds,
        merged_position - started_position as working_seconds

    from lives
    where
        started_at is not null
        and merged_at is not null
),

stage_time as (
    select
        change_key,
        'stage_time' as metric_key,
        case when stage = 'deploy' then 'deployed' else 'merged' end as population,
        stage,
        wall_seconds,
        working_seconds

    from stages
),

on_two_clocks as (
    select * from flow_time
    union all
    select * from flow_time_to_merge
    union all
    select * from stage_time
),

durations as (
    select
        change_key,
        metric_key,
        population,
        stage,
        'wall' as clock,
        wall_seconds as amount

    from on_two_clocks
    union all
    select
        change_key,
        metric_key,
        population,
        stage,
        'working' as clock,
        working_seconds as amount

    from on_two_clocks
    union all
    select
        change_key,
        'stage_wait' as metric_key,
        case when stage = 'deploy' then 'deployed' else 'merged' end as population,
        stage,
        'working' as clock,
        waiting_seconds as amount

    from stages
),

ratios as (
    select
        change_key,
        'flow_efficiency' as metric_key,
        'all' as stage,
        active_seconds as numerator,
        life_seconds as denominator

    from whole_lives
    union all
    select
        whole_lives.change_key,
        'wait_share' as metric_key,
        stages.stage,
        stages.waiting_seconds as numerator,
        whole_lives.life_seconds as denominator

    from whole_lives
    inner join stages on whole_lives.change_key = stages.change_key
),

final as (
    select
        change_key,
        metric_key,
        population,
        'duration' as kind,
        stage,
        clock,
        cast(amount as bigint) as amount,
        cast(null as bigint) as numerator,
        cast(null as bigint) as denominator

    from durations
    where amount is not null
    union all
    select
        change_key,
        metric_key,
        'deployed' as population,
        'ratio' as kind,
        stage,
        'working' as clock,
        cast(null as bigint) as amount,
        cast(numerator as bigint) as numerator,
        cast(denominator as bigint) as denominator

    from ratios
    union all
    select
        change_key,
        'flow_velocity' as metric_key,
        'merged' as population,
        'count' as kind,
        'all' as stage,
        'none' as clock,
        cast(1 as bigint) as amount,
        cast(null as bigint) as numerator,
        cast(null as bigint) as denominator

    from lives
    where merged_at is not null
)

select * from final
