with landed as (
    {{ union_sources(
        'work_items', key=['work_item_id'],
        columns=[
            'work_type', 'created_at', 'resolved_at', 'states_outcome', 'system', 'repository',
            'found_in',
        ],
    ) }}
),

final as (
    select
        -- keys
        work_item_id,
        system as system_key,
        repository,

        -- properties
        work_type,
        states_outcome,
        found_in,
        source,

        -- timestamps
        created_at,
        resolved_at

    from landed
)

select * from final
