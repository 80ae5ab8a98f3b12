with transitions as (
    select * from {{ ref('stg_canonical__work_item_transitions') }}
),

status_map as (
    select * from {{ ref('status_map') }}
),

lasting as (
    select
        work_item_id,
        status,
        changed_at as entered_at,
        lead(changed_at) over (partition by work_item_id order by changed_at, status) as left_at

    from transitions
),

final as (
    select
        -- keys
        lasting.work_item_id,

        -- properties
        lasting.status,
        status_map.stage,
        status_map.activity,

        -- timestamps
        lasting.entered_at,
        lasting.left_at

    from lasting
    left join status_map on lower(lasting.status) = lower(status_map.status)
)

select * from final
