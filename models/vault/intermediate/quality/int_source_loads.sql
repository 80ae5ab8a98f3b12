with load_counts as (
    select * from {{ ref('stg_door__load_counts') }}
),

connections as (
    select * from {{ ref('stg_door__connections') }}
),

row_sums as (
    select
        source,
        sum(rows_read) as rows_read,
        sum(rows_inserted) as rows_inserted,
        sum(rows_updated) as rows_updated,
        sum(rows_quarantined) as rows_quarantined

    from load_counts
    group by source
),

-- Of several connections of one source the one that lags counts.
marks as (
    select
        source,
        min(loaded_to) as loaded_to

    from connections
    group by source
),

furthest as (
    select max(loaded_to) as loaded_to from connections
),

final as (
    select
        marks.source,
        row_sums.rows_read,
        row_sums.rows_inserted,
        row_sums.rows_updated,
        row_sums.rows_quarantined,
        marks.loaded_to,
        {{ seconds_between('marks.loaded_to', 'furthest.loaded_to') }} / 3600.0 as lag_hours

    from marks
    cross join furthest
    left join row_sums on marks.source = row_sums.source
)

select * from final
