with landed as (
    {{ union_sources(
        'initiatives', key=['initiative_id'],
        columns=[
            'value_stream', 'key_result', 'anticipated_effect', 'actual_effect', 'states_outcome',
            'created_at', 'delivered_at',
        ],
    ) }}
),

final as (
    select
        -- keys
        initiative_id,
        value_stream as value_stream_key,
        key_result,

        -- measures
        anticipated_effect,
        actual_effect,

        -- properties
        states_outcome,
        source,

        -- timestamps
        created_at,
        delivered_at

    from landed
)

select * from final
