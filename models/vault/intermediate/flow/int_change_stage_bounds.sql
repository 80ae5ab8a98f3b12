with lives as (
    select * from {{ ref('int_change_lives') }}
),

final as (
    select
        change_key,
        'dev' as stage,
        started_at as entered_at,
        ready_at as left_at,
        started_position as entered_position,
        ready_position as left_position,
        -- Work on the first commit lies before it; it counts as work in Dev.
        worked_from_position

    from lives
    union all
    select
        change_key,
        'review' as stage,
        ready_at as entered_at,
        approved_at as left_at,
        ready_position as entered_position,
        approved_position as left_position,
        ready_position as worked_from_position

    from lives
    union all
    select
        change_key,
        'integration' as stage,
        approved_at as entered_at,
        merged_at as left_at,
        approved_position as entered_position,
        merged_position as left_position,
        approved_position as worked_from_position

    from lives
    union all
    select
        change_key,
        'deploy' as stage,
        merged_at as entered_at,
        deployed_at as left_at,
        merged_position as entered_position,
        deployed_position as left_position,
        merged_position as worked_from_position

    from lives
)

select * from final
where
    entered_at is not null
    and left_at is not null
