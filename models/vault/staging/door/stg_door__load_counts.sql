with source as (
    select * from {{ source('door', 'load_counts') }}
),

final as (
    select
        -- keys
        load_id,
        source,
        entity,

        -- properties
        rows_read,
        rows_inserted,
        rows_updated,
        rows_unchanged,
        rows_superseded,
        rows_quarantined,
        rows_removed

    from source
)

select * from final
