with defects as (
    select * from {{ ref('int_defects') }}
),

deployed_changes as (
    select * from {{ ref('int_deployed_changes') }}
),

system_owners as (
    select * from {{ ref('int_system_owners') }}
),

owned_defects as (
    select
        defects.work_item_id,
        defects.system_key,
        defects.opened_at,
        coalesce(system_owners.team_key, 'unassigned') as team_key,
        coalesce(system_owners.value_stream_key, 'unassigned') as value_stream_key

    from defects
    left join system_owners
        on
            defects.system_key = system_owners.system_key
            and cast(defects.opened_at as date) >= system_owners.valid_from
            and cast(defects.opened_at as date) < system_owners.valid_to
),

final as (
    {%- for relation, key, counted_at, amount in [
        ('owned_defects', "'defect|' || work_item_id", 'opened_at', 1),
        ('deployed_changes', "'change|' || step_key", 'deployed_at', 0),
    ] %}
    select
        {{ key }} as event_key,
        'escaped_defects' as metric_key,
        'per_hundred' as kind,
        'all' as slice,
        'all' as slice_value,
        'none' as clock,
        system_key,
        team_key,
        value_stream_key,
        cast({{ amount }} as bigint) as amount,
        {{ counted_at }} as counted_at

    from {{ relation }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
)

select * from final
