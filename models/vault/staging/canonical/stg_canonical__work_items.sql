with landed as (
    {{ union_sources(
        'work_items', key=['work_item_id'],
        columns=[
            'work_type', 'created_at', 'resolved_at', 'states_outcome',
        ],
    ) }}
),

final as (
    select
        -- keys
        work_item_id,

        -- properties
        work_type,
        states_outcome,
        source,

        -- timestamps
        created_at,
        resolved_at

    from landed
)

select * from final
