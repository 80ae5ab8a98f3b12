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
    -- Nobody waits for one that is disconnected.
    where loaded_to is not null
)

select * from final
