with initiatives as (
    select * from {{ ref('stg_canonical__initiatives') }}
),

final as (
    select
        -- keys
        initiative_id,
        value_stream_key,
        key_result,

        -- measures
        anticipated_effect,
        actual_effect,

        -- properties
        -- A link to an objective says what it serves, not what it is expected to bring.
        coalesce(states_outcome, false)
        or anticipated_effect is not null as is_outcome_anticipated,

        -- timestamps
        delivered_at

    from initiatives
)

select * from final
