with change_people as (
    select * from {{ ref('int_change_people') }}
),

change_work_items as (
    select * from {{ ref('stg_canonical__change_work_items') }}
),

lives as (
    select * from {{ ref('int_change_lives') }}
    where merged_at is not null
),

item_lives as (
    select * from {{ ref('int_work_item_lives') }}
),

-- Who did an item is who wrote its changes: whom a tracker names does not land.
item_people as (
    select distinct
        item_lives.item_key,
        change_people.person_key,
        change_people.is_resolved

    from item_lives
    inner join change_work_items on item_lives.work_item_id = change_work_items.work_item_id
    inner join lives on change_work_items.change_key = lives.change_key
    inner join change_people
        on
            lives.change_key = change_people.change_key
            and change_people.role = 'author'
),

final as (
    select
        change_key,
        role,
        person_key,
        is_resolved

    from change_people
    union all
    select
        item_key as change_key,
        'author' as role,
        person_key,
        is_resolved

    from item_people
)

select * from final
