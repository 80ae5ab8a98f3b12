with source as (
    select * from {{ source('door', 'people') }}
),

final as (
    select
        -- keys
        landed_key,

        -- person data
        person_key,

        -- properties
        is_resolved

    from source
)

select * from final
