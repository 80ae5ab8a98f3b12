{#- Fewer teams are no counterfactual. -#}
{%- set minimum_controls = 4 -%}
with observations as (
    select * from {{ ref('floor_observations') }}
    where bucket = 'quarter'
),

rollouts as (
    select
        team_key,
        step,
        started_on,
        min(started_on) over (partition by team_key) as first_started_on,
        lead(started_on) over (partition by team_key order by started_on) as next_started_on

    from {{ ref('ai_rollouts') }}
),

teams as (
    select * from {{ ref('teams') }}
),

closed_quarters as (
    select distinct
        bucket_start,
        as_of

    from observations
),

quarters as (
    select
        bucket_start,
        as_of,
        lag(bucket_start) over (order by bucket_start) as earlier_start,
        -- The last one is over by the clock of the data.
        coalesce(lead(bucket_start) over (order by bucket_start), as_of) as bucket_end

    from closed_quarters
),

stage_times as (
    select
        grain_key as team_key,
        clock,
        bucket_start,
        slice_value as stage,
        value as hours

    from observations
    where
        metric_key = 'stage_time'
        and slice = 'stage'
        and statistic = 'p50'
        and grain = 'team'
        and status = 'ok'
),

-- The way as a whole: its four stages one after the other, where all of them are told.
all_times as (
    select * from stage_times
    union all
    select
        team_key,
        clock,
        bucket_start,
        'all' as stage,
        sum(hours) as hours

    from stage_times
    group by team_key, clock, bucket_start
    having count(*) = 4
),

-- Each whole quarter since a step, held against the last whole one before the team had any tool.
compared_quarters as (
    select
        rollouts.team_key,
        rollouts.step,
        later.bucket_start as after_start,
        later.bucket_end as after_end,
        later.as_of,
        max(former.bucket_start) as before_start

    from rollouts
    inner join quarters as later
        on
            rollouts.started_on <= later.bucket_start
            and coalesce(rollouts.next_started_on, later.bucket_end) >= later.bucket_end
    inner join quarters as former
        on rollouts.first_started_on >= former.bucket_end
    group by
        rollouts.team_key, rollouts.step, later.bucket_start, later.bucket_end, later.as_of
),

-- The placebo: the same comparison of the two quarters before, in which nothing was rolled out.
comparisons as (
    select
        'effect' as comparison,
        compared_quarters.team_key,
        compared_quarters.step,
        compared_quarters.after_start,
        compared_quarters.as_of,
        compared_quarters.before_start as from_start,
        compared_quarters.after_start as to_start,
        compared_quarters.after_end

    from compared_quarters
    union all
    select
        'placebo' as comparison,
        compared_quarters.team_key,
        compared_quarters.step,
        compared_quarters.after_start,
        compared_quarters.as_of,
        quarters.earlier_start as from_start,
        compared_quarters.before_start as to_start,
        compared_quarters.after_end

    from compared_quarters
    inner join quarters on compared_quarters.before_start = quarters.bucket_start
),

shapes as (
    select distinct
        clock,
        stage

    from all_times
),

own_changes as (
    select
        comparisons.comparison,
        comparisons.team_key,
        comparisons.step,
        comparisons.after_start,
        comparisons.as_of,
        comparisons.from_start,
        comparisons.to_start,
        comparisons.after_end,
        shapes.clock,
        shapes.stage,
        before_times.hours as before_hours,
        after_times.hours as after_hours

    from comparisons
    cross join shapes
    left join all_times as before_times
        on
            comparisons.team_key = before_times.team_key
            and comparisons.from_start = before_times.bucket_start
            and shapes.clock = before_times.clock
            and shapes.stage = before_times.stage
    left join all_times as after_times
        on
            comparisons.team_key = after_times.team_key
            and comparisons.to_start = after_times.bucket_start
            and shapes.clock = after_times.clock
            and shapes.stage = after_times.stage
),

windows as (
    select distinct
        from_start,
        to_start,
        after_end

    from comparisons
),

-- A control has no tool by the end of the quarter that is judged, in the placebo too.
control_teams as (
    select
        windows.from_start,
        windows.to_start,
        windows.after_end,
        teams.team_key

    from windows
    cross join teams
    left join rollouts
        on
            teams.team_key = rollouts.team_key
            and windows.after_end > rollouts.started_on
    where rollouts.team_key is null
),

control_changes as (
    select
        control_teams.from_start,
        control_teams.to_start,
        control_teams.after_end,
        before_times.clock,
        before_times.stage,
        count(*) as control_count,
        sum(after_times.hours - before_times.hours) as total,
        sum(
            (after_times.hours - before_times.hours) * (after_times.hours - before_times.hours)
        ) as squares

    from control_teams
    inner join all_times as before_times
        on
            control_teams.team_key = before_times.team_key
            and control_teams.from_start = before_times.bucket_start
    inner join all_times as after_times
        on
            control_teams.team_key = after_times.team_key
            and control_teams.to_start = after_times.bucket_start
            and before_times.clock = after_times.clock
            and before_times.stage = after_times.stage
    group by
        control_teams.from_start, control_teams.to_start, control_teams.after_end,
        before_times.clock, before_times.stage
),

differences as (
    select
        own_changes.comparison,
        own_changes.team_key,
        own_changes.step,
        own_changes.after_start,
        own_changes.as_of,
        own_changes.clock,
        own_changes.stage,
        own_changes.before_hours,
        own_changes.after_hours,
        control_changes.control_count,
        control_changes.total / control_changes.control_count as control_change,
        own_changes.after_hours - own_changes.before_hours
        - control_changes.total / control_changes.control_count as effect,
        -- What one team differs by if nothing happened: as much as controls do from each other.
        {{ t_quantile('(control_changes.control_count - 1.0)') }}
        * sqrt(
            greatest(
                control_changes.squares
                - control_changes.total * control_changes.total / control_changes.control_count,
                0
            )
            / (control_changes.control_count - 1.0)
            * (1 + 1.0 / control_changes.control_count)
        ) as half_width

    from own_changes
    left join control_changes
        on
            own_changes.from_start = control_changes.from_start
            and own_changes.to_start = control_changes.to_start
            and own_changes.after_end = control_changes.after_end
            and own_changes.clock = control_changes.clock
            and own_changes.stage = control_changes.stage
            and control_changes.control_count >= {{ minimum_controls }}
),

placebos as (
    select * from differences
    where comparison = 'placebo'
),

judged as (
    select
        effects.*,
        placebos.effect as placebo_effect,
        placebos.half_width as placebo_half_width,
        case
            when effects.before_hours is null or effects.after_hours is null then 'withheld'
            when effects.effect is null then 'not_measurable'
            else 'ok'
        end as status

    from differences as effects
    left join placebos
        on
            effects.team_key = placebos.team_key
            and effects.step = placebos.step
            and effects.after_start = placebos.after_start
            and effects.clock = placebos.clock
            and effects.stage = placebos.stage
    where effects.comparison = 'effect'
),

final as (
    select
        -- grain
        'team' as grain,
        team_key as grain_key,
        'quarter' as bucket,
        after_start as bucket_start,
        step as rollout_step,
        stage,
        clock,

        -- value
        {%- for name, expression in [
            ('before_hours', 'before_hours'),
            ('after_hours', 'after_hours'),
            ('control_change_hours', 'control_change'),
            ('effect_hours', 'effect'),
            ('effect_hours_lower', 'effect - half_width'),
            ('effect_hours_upper', 'effect + half_width'),
            ('placebo_hours', 'placebo_effect'),
            ('placebo_hours_lower', 'placebo_effect - placebo_half_width'),
            ('placebo_hours_upper', 'placebo_effect + placebo_half_width'),
        ] %}
        case when status = 'ok' then {{ cut(expression, 0.1) }} end as {{ name }},
        {%- endfor %}
        case
            when status = 'ok' and before_hours > 0
                then {{ cut('after_hours / before_hours - 1', 0.001) }}
        end as change_share,
        case when status = 'ok' then control_count end as control_team_count,
        case when status = 'ok' then abs(effect) > half_width end as is_effect,
        case when status = 'ok' then abs(placebo_effect) <= placebo_half_width end
            as is_placebo_silent,

        -- what it rests on
        case when status = 'ok' then 'difference_in_differences' end as design,
        case when status = 'ok' then 'parallel_trends' end as assumption,
        status,
        as_of

    from judged
)

select * from final
