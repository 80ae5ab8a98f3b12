with change_work_items as (
    select * from {{ ref('stg_canonical__change_work_items') }}
),

lives as (
    select * from {{ ref('int_change_lives') }}
),

-- One item, one system: where most of its changes merged; so an item never fans out.
placed as (
    select
        change_work_items.work_item_id,
        lives.system_key,
        count(lives.merged_at) as merged_count,
        count(case when lives.author_kind = 'human' then lives.merged_at end) as human_count,
        row_number() over (
            partition by change_work_items.work_item_id
            order by
                case when lives.system_key = 'unassigned' then 1 else 0 end,
                count(lives.merged_at) desc,
                count(*) desc,
                lives.system_key
        ) as place

    from change_work_items
    inner join lives on change_work_items.change_key = lives.change_key
    group by change_work_items.work_item_id, lives.system_key
),

final as (
    select
        -- keys
        work_item_id,
        max(case when place = 1 then system_key end) as system_key,

        -- properties
        sum(merged_count) > 0 as has_merged,
        sum(merged_count) > 0 and sum(human_count) = 0 as is_of_bots

    from placed
    group by work_item_id
)

select * from final
