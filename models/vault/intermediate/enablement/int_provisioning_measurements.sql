with requests as (
    select * from {{ ref('stg_canonical__environment_requests') }}
    -- What was usable before it was asked for says nothing of how long it took.
    where usable_at >= requested_at
),

systems as (
    select * from {{ ref('systems') }}
),

system_paths as (
    select * from {{ ref('int_system_paths') }}
),

system_owners as (
    select * from {{ ref('int_system_owners') }}
),

placed as (
    {{ placed_in_system('requests', at='requested_at') }}
),

final as (
    select
        placed.request_id as event_key,
        'environment_provisioning_time' as metric_key,
        'quantile' as kind,
        'all' as slice,
        'all' as slice_value,
        'wall' as clock,
        placed.placed_system_key as system_key,
        coalesce(system_owners.team_key, 'unassigned') as team_key,
        coalesce(system_owners.value_stream_key, 'unassigned') as value_stream_key,
        {{ seconds_between('placed.requested_at', 'placed.usable_at') }} as amount,
        placed.usable_at as counted_at

    from placed
    left join system_owners
        on
            placed.placed_system_key = system_owners.system_key
            and cast(placed.usable_at as date) >= system_owners.valid_from
            and cast(placed.usable_at as date) < system_owners.valid_to
)

select * from final
