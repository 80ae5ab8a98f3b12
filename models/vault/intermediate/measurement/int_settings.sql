-- The floor reads no variable: what it needs of them is a row.
select
    cast({{ setting('minimum_people') }} as integer) as minimum_people,
    case
        when '{{ setting('publish_bus_factor') }}' = 'band' then 1
        else 0
    end as is_bus_factor_banded,
    cast({{ setting('binding_share') }} as numeric(18, 4)) as binding_share,
    cast({{ setting('elevated_share') }} as numeric(18, 4)) as elevated_share
