with counts as (
    select * from {{ source('door', 'load_counts') }}
),

loads as (
    select * from {{ source('door', 'loads') }}
),

final as (
    select
        -- keys
        counts.load_id,
        counts.entity,

        -- properties
        loads.source,
        counts.rows_read,
        counts.rows_inserted,
        counts.rows_updated,
        counts.rows_unchanged,
        counts.rows_superseded,
        counts.rows_quarantined

    from counts
    inner join loads on counts.load_id = loads.load_id
)

select * from final
