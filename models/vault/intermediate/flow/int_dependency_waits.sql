-- Of the waiting of a whole life, what lies inside a dependency on another team. Work beside it is
-- no waiting.
with bounds as (
    select * from {{ ref('int_change_stage_bounds') }}
),

lives as (
    select * from {{ ref('int_change_lives') }}
),

stages as (
    select * from {{ ref('int_change_stages') }}
),

active_spans as (
    select * from {{ ref('int_change_active_spans') }}
),

dependency_spans as (
    select * from {{ ref('int_dependency_spans') }}
),

change_work_items as (
    select * from {{ ref('stg_canonical__change_work_items') }}
),

-- Without a tracker item nothing says whether it was blocked: that is not known, and not 0.
tracked as (
    select distinct change_key
    from change_work_items
),

waited as (
    select
        lives.change_key,
        {{ working_position('dependency_spans.waited_from', 'from_days') }} as from_position,
        {{ working_position('dependency_spans.waited_to', 'to_days') }} as to_position

    from dependency_spans
    inner join lives on dependency_spans.change_key = lives.change_key
    {{ working_days_join('dependency_spans.waited_from', 'lives.calendar_key', 'from_days') }}
    {{ working_days_join('dependency_spans.waited_to', 'lives.calendar_key', 'to_days') }}
),

spans as (
    select
        change_key,
        stage,
        from_position,
        to_position

    from active_spans
    union all
    select
        change_key,
        'any' as stage,
        from_position,
        to_position

    from waited
),

clipped as (
    select
        bounds.change_key,
        bounds.stage,
        greatest(spans.from_position, bounds.worked_from_position) as from_position,
        least(spans.to_position, bounds.left_position) as to_position

    from bounds
    inner join spans
        on
            bounds.change_key = spans.change_key
            and (bounds.stage = spans.stage or spans.stage = 'any')
            and bounds.worked_from_position < spans.to_position
            and bounds.left_position > spans.from_position
),

-- The union of work and dependencies; what of it is no work is waiting for another team.
work_or_dependencies as (
    {{ covered_seconds('clipped', by=['change_key', 'stage']) }}
),

final as (
    select
        -- keys
        stages.change_key,

        -- working clock
        sum(coalesce(work_or_dependencies.covered_seconds, 0) - stages.active_seconds)
            as dependency_seconds,
        sum(stages.waiting_seconds) as waiting_seconds

    from stages
    inner join tracked on stages.change_key = tracked.change_key
    left join work_or_dependencies
        on
            stages.change_key = work_or_dependencies.change_key
            and stages.stage = work_or_dependencies.stage
    group by stages.change_key
    having count(stages.waiting_seconds) = count(*)
)

select * from final
