with landed as (
    {{ union_sources(
        'work_items', key=['work_item_id'],
        columns=[
            'work_type', 'created_at', 'resolved_at', 'states_outcome', 'system', 'repository',
            'initiative', 'found_in', 'is_customer_request',
        ],
    ) }}
),

final as (
    select
        -- keys
        work_item_id,
        system as system_key,
        repository,
        initiative as initiative_id,

        -- properties
        work_type,
        states_outcome,
        found_in,
        is_customer_request,
        source,

        -- timestamps
        created_at,
        resolved_at

    from landed
)

select * from final
