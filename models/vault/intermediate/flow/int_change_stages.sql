-- Review wait, for one: Review `[ready, approved)` (int_change_boundaries) on the working clock of
-- the owning team (int_change_lives), without the union of evidence of work in it: commits and
-- reviews (int_change_touches) and statuses mapped to review and active (int_change_active_spans).
with bounds as (
    select * from {{ ref('int_change_stage_bounds') }}
),

active_spans as (
    select * from {{ ref('int_change_active_spans') }}
),

-- Evidence counts inside its stage only.
clipped as (
    select
        bounds.change_key,
        bounds.stage,
        greatest(active_spans.from_position, bounds.worked_from_position) as from_position,
        least(active_spans.to_position, bounds.left_position) as to_position

    from bounds
    inner join active_spans
        on
            bounds.change_key = active_spans.change_key
            and (bounds.stage = active_spans.stage or active_spans.stage = 'any')
            and bounds.worked_from_position < active_spans.to_position
            and bounds.left_position > active_spans.from_position
),

active as (
    {{ covered_seconds('clipped', by=['change_key', 'stage']) }}
),

final as (
    select
        -- keys
        bounds.change_key,
        bounds.stage,

        -- wall clock
        {{ seconds_between('bounds.entered_at', 'bounds.left_at') }} as wall_seconds,

        -- working clock
        bounds.left_position - bounds.entered_position as working_seconds,
        coalesce(active.covered_seconds, 0) as active_seconds,
        bounds.left_position - bounds.worked_from_position - coalesce(active.covered_seconds, 0)
            as waiting_seconds

    from bounds
    left join active
        on
            bounds.change_key = active.change_key
            and bounds.stage = active.stage
)

select * from final
