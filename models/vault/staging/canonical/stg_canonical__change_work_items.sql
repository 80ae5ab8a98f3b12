with landed as (
    {{ union_sources(
        'change_work_items', key=['repository', 'change_id', 'work_item_id'],
    ) }}
),

final as (
    select
        -- keys
        repository || '!' || change_id as change_key,
        work_item_id,

        -- properties
        source

    from landed
)

select * from final
