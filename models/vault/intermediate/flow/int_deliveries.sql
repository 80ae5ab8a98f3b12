with counts as (
    select * from {{ ref('stg_door__load_counts') }}
),

final as (
    select
        source,
        entity

    from counts
    group by source, entity
    having sum(rows_inserted) > sum(rows_removed)
)

select * from final
