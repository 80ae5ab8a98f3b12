with defects as (
    select * from {{ ref('stg_canonical__work_items') }}
    where
        work_type = 'defect'
        and found_in = 'production'
),

systems as (
    select * from {{ ref('systems') }}
),

system_paths as (
    select * from {{ ref('int_system_paths') }}
),

placed as (
    {{ placed_in_system('defects', at='created_at') }}
),

final as (
    select
        -- keys
        work_item_id,
        placed_system_key as system_key,

        -- timestamps
        created_at as opened_at,
        -- One that ends before it starts says nothing of its end.
        case when resolved_at >= created_at then resolved_at end as resolved_at

    from placed
)

select * from final
