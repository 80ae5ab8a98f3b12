with landed as (
    {{ union_sources(
        'environment_requests', key=['request_id'],
        columns=[
            'system', 'repository', 'requested_at', 'usable_at',
        ],
    ) }}
),

final as (
    select
        -- keys
        request_id,
        system as system_key,
        repository,

        -- properties
        source,

        -- timestamps
        requested_at,
        usable_at

    from landed
)

select * from final
