with source as (
    select * from {{ source('door', 'connections') }}
),

final as (
    select
        -- keys
        source,
        connection,

        -- timestamps
        loaded_to,
        landed_at

    from source
)

select * from final
