with work_items as (
    select * from {{ ref('stg_canonical__work_items') }}
    where resolved_at is not null
),

change_work_items as (
    select * from {{ ref('stg_canonical__change_work_items') }}
),

lives as (
    select * from {{ ref('int_change_lives') }}
    where merged_at is not null
),

system_owners as (
    select * from {{ ref('int_system_owners') }}
),

-- One item, one system: where most of its changes merged; so an item never fans out.
placed as (
    select
        change_work_items.work_item_id,
        lives.system_key,
        max(case when lives.author_kind = 'human' then 1 else 0 end) as is_human,
        row_number() over (
            partition by change_work_items.work_item_id
            order by
                case when lives.system_key = 'unassigned' then 1 else 0 end,
                count(*) desc,
                lives.system_key
        ) as place

    from change_work_items
    inner join lives on change_work_items.change_key = lives.change_key
    group by change_work_items.work_item_id, lives.system_key
),

systems as (
    select
        work_item_id,
        max(case when place = 1 then system_key end) as system_key,
        max(is_human) as is_human

    from placed
    group by work_item_id
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
        case when systems.is_human = 0 then 'bot' else 'human' end as author_kind,
        work_items.work_type,

        -- timestamps
        work_items.resolved_at

    from work_items
    left join systems on work_items.work_item_id = systems.work_item_id
    left join system_owners
        on
            systems.system_key = system_owners.system_key
            and cast(work_items.resolved_at as date) >= system_owners.valid_from
            and cast(work_items.resolved_at as date) < system_owners.valid_to
)

select * from final
