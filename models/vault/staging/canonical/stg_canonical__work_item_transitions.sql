with landed as (
    {{ union_sources(
        'work_item_transitions', key=['work_item_id', 'changed_at', 'status'],
    ) }}
),

final as (
    select
        -- keys
        work_item_id,

        -- properties
        status,
        source,

        -- timestamps
        changed_at

    from landed
)

select * from final
