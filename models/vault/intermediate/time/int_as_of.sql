{%- set as_of = setting('as_of') -%}
with connections as (
    select * from {{ ref('stg_door__connections') }}
),

-- What every connection is loaded to, not the newest event: one row of 9999 closes nothing.
loaded as (
    select min(loaded_to) as loaded_to from connections
),

final as (
    select
        -- A later setting than what is loaded would close buckets on half of their events.
        least(loaded_to, cast('{{ as_of or "9999-12-31" }}' as {{ dbt.type_timestamp() }})) as as_of

    from loaded
)

select * from final
