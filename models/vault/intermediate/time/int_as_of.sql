with connections as (
    select * from {{ ref('stg_door__connections') }}
),

-- What every connection is loaded to, not the newest event: one row of 9999 closes nothing.
final as (
    select {{ as_of_or('min(loaded_to)') }} as as_of
    from connections
)

select * from final
