with changes as (
    select * from {{ ref('stg_canonical__changes') }}
),

accounts as (
    select * from {{ ref('stg_door__people') }}
),

boundaries as (
    select * from {{ ref('int_change_boundaries') }}
),

change_systems as (
    select * from {{ ref('int_change_systems') }}
),

system_owners as (
    select * from {{ ref('int_system_owners') }}
),

change_work_items as (
    select * from {{ ref('stg_canonical__change_work_items') }}
),

work_item_statuses as (
    select * from {{ ref('int_work_item_statuses') }}
),

touches as (
    select * from {{ ref('int_change_touches') }}
),

-- A touch soon after the start vouches for work before it, which no stage holds.
first_touches as (
    select
        boundaries.change_key,
        min(touches.vouched_from) as vouched_from

    from boundaries
    inner join touches
        on
            boundaries.change_key = touches.change_key
            and boundaries.started_at <= touches.touched_at
            and boundaries.started_at > touches.vouched_from
    group by boundaries.change_key
),

-- Naming an item is no evidence; its statuses are, where they are mapped.
tracked as (
    select distinct change_work_items.change_key
    from change_work_items
    inner join work_item_statuses
        on change_work_items.work_item_id = work_item_statuses.work_item_id
    where work_item_statuses.activity in ('active', 'waiting')
),

-- Owner is who owned the system when it merged; a change that never merged, when it ended or began.
owned as (
    select
        boundaries.change_key,
        cast(
            coalesce(
                boundaries.merged_at, changes.closed_at, changes.opened_at, boundaries.started_at
            ) as date
        ) as owned_on

    from boundaries
    inner join changes on boundaries.change_key = changes.change_key
),

attributed as (
    select
        -- keys
        boundaries.change_key,
        coalesce(change_systems.system_key, 'unassigned') as system_key,
        coalesce(system_owners.team_key, 'unassigned') as team_key,
        coalesce(system_owners.value_stream_key, 'unassigned') as value_stream_key,
        coalesce(system_owners.calendar_key, 'default') as calendar_key,

        -- person data
        case when accounts.is_resolved then accounts.person_key end as author_key,

        -- properties
        changes.source,
        case when changes.author_is_bot then 'bot' else 'human' end as author_kind,
        boundaries.is_approved,
        boundaries.is_review_known,
        boundaries.is_order_repaired,
        tracked.change_key is not null as has_tracker_evidence,

        -- timestamps
        coalesce(first_touches.vouched_from, boundaries.started_at) as worked_from,
        boundaries.first_commit_at,
        boundaries.started_at,
        boundaries.ready_at,
        boundaries.first_review_at,
        boundaries.approved_at,
        boundaries.merged_at,
        case when boundaries.merged_at is null then changes.closed_at end as abandoned_at,
        boundaries.deployed_at,
        owned.owned_on

    from boundaries
    inner join changes on boundaries.change_key = changes.change_key
    left join accounts on changes.author_key = accounts.landed_key
    inner join owned on boundaries.change_key = owned.change_key
    left join change_systems on boundaries.change_key = change_systems.change_key
    left join first_touches on boundaries.change_key = first_touches.change_key
    left join system_owners
        on
            change_systems.system_key = system_owners.system_key
            and owned.owned_on >= system_owners.valid_from
            and owned.owned_on < system_owners.valid_to
    left join tracked on boundaries.change_key = tracked.change_key
),

final as (
    select
        attributed.*,

        -- positions on the working clock: working seconds of the calendar before the moment
        {{ working_position('attributed.worked_from', 'worked_days') }} as worked_from_position,
        {{ working_position('attributed.started_at', 'started_days') }} as started_position,
        {{ working_position('attributed.ready_at', 'ready_days') }} as ready_position,
        {{ working_position('attributed.first_review_at', 'review_days') }}
            as first_review_position,
        {{ working_position('attributed.approved_at', 'approved_days') }} as approved_position,
        {{ working_position('attributed.merged_at', 'merged_days') }} as merged_position,
        {{ working_position('attributed.deployed_at', 'deployed_days') }} as deployed_position

    from attributed
    {{ working_days_join('attributed.worked_from', 'attributed.calendar_key', 'worked_days') }}
    {{ working_days_join('attributed.started_at', 'attributed.calendar_key', 'started_days') }}
    {{ working_days_join('attributed.ready_at', 'attributed.calendar_key', 'ready_days') }}
    {{ working_days_join('attributed.first_review_at', 'attributed.calendar_key', 'review_days') }}
    {{ working_days_join('attributed.approved_at', 'attributed.calendar_key', 'approved_days') }}
    {{ working_days_join('attributed.merged_at', 'attributed.calendar_key', 'merged_days') }}
    {{ working_days_join('attributed.deployed_at', 'attributed.calendar_key', 'deployed_days') }}
)

select * from final
