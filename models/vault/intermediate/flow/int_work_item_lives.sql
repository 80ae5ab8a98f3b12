with work_items as (
    select * from {{ ref('stg_canonical__work_items') }}
    where resolved_at is not null
),

-- A source in which no item is part of an initiative does not say which are.
telling as (
    select distinct source
    from {{ ref('stg_canonical__work_items') }}
    where initiative_id is not null
),

initiatives as (
    select * from {{ ref('int_initiatives') }}
),

systems as (
    select * from {{ ref('int_work_item_systems') }}
    where has_merged
),

system_owners as (
    select * from {{ ref('int_system_owners') }}
),

final as (
    select
        -- keys
        '#' || work_items.work_item_id as item_key,
        work_items.work_item_id,
        coalesce(systems.system_key, 'unassigned') as system_key,
        coalesce(system_owners.team_key, 'unassigned') as team_key,
        coalesce(system_owners.value_stream_key, 'unassigned') as value_stream_key,

        -- properties
        case when systems.is_of_bots then 'bot' else 'human' end as author_kind,
        work_items.work_type,
        case
            when work_items.initiative_id is null and telling.source is null then null
            when work_items.initiative_id is null then 'no_initiative'
            when initiatives.is_outcome_anticipated then 'outcome_anticipated'
            when not initiatives.is_outcome_anticipated then 'no_outcome_anticipated'
        end as initiative,

        -- timestamps
        work_items.resolved_at

    from work_items
    left join telling on work_items.source = telling.source
    left join initiatives on work_items.initiative_id = initiatives.initiative_id
    left join systems on work_items.work_item_id = systems.work_item_id
    left join system_owners
        on
            systems.system_key = system_owners.system_key
            and cast(work_items.resolved_at as date) >= system_owners.valid_from
            and cast(work_items.resolved_at as date) < system_owners.valid_to
)

select * from final
