with lives as (
    select * from {{ ref('int_change_lives') }}
),

touches as (
    select * from {{ ref('int_change_touches') }}
),

change_work_items as (
    select * from {{ ref('stg_canonical__change_work_items') }}
),

statuses as (
    select * from {{ ref('int_work_item_statuses') }}
    where activity = 'active'
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

-- A touch is evidence in whichever stage it falls.
touched as (
    select
        lives.change_key,
        touches.kind,
        {{ working_position('touches.vouched_from', 'from_days') }} as from_position,
        {{ working_position('touches.touched_at', 'to_days') }} as to_position

    from touches
    inner join lives on touches.change_key = lives.change_key
    {{ working_days_join('touches.vouched_from', 'lives.calendar_key', 'from_days') }}
    {{ working_days_join('touches.touched_at', 'lives.calendar_key', 'to_days') }}
),

commit_positions as (
    select
        touched.change_key,
        touched.to_position as position

    from touched
    inner join lives on touched.change_key = lives.change_key
    where
        touched.kind = 'commit'
        and touched.to_position <= lives.ready_position
    union all
    select
        change_key,
        ready_position as position

    from lives
    where ready_position is not null
),

-- Two commits within a session's length are one session; so are the last commit and ready.
commit_pairs as (
    select
        change_key,
        position as from_position,
        lead(position) over (partition by change_key order by position) as to_position

    from commit_positions
),

tracked as (
    select
        lives.change_key,
        statuses.stage,
        {{ working_position('statuses.entered_at', 'from_days') }} as from_position,
        {{ working_position('coalesce(statuses.left_at, as_of.as_of)', 'to_days') }} as to_position

    from statuses
    inner join change_work_items on statuses.work_item_id = change_work_items.work_item_id
    inner join lives on change_work_items.change_key = lives.change_key
    cross join as_of
    {{ working_days_join('statuses.entered_at', 'lives.calendar_key', 'from_days') }}
    {{ working_days_join(
        'coalesce(statuses.left_at, as_of.as_of)', 'lives.calendar_key', 'to_days'
    ) }}
),

final as (
    select
        change_key,
        'any' as stage,
        'touch' as evidence,
        from_position,
        to_position

    from touched
    union all
    select
        change_key,
        'dev' as stage,
        'session' as evidence,
        from_position,
        to_position

    from commit_pairs
    where to_position - from_position <= {{ setting('dev_session_hours') }} * 3600
    union all
    select
        change_key,
        stage,
        'tracker' as evidence,
        from_position,
        to_position

    from tracked
)

select * from final
where from_position < to_position
