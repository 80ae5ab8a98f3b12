{#- An event of several files has the system of most of them. -#}
{% macro system_of_files(files, key) -%}
    select
        {{ key }},
        system_key

    from (
        select
            {{ key }},
            system_key,
            row_number() over (
                partition by {{ key }}
                order by sum(is_source) desc, count(*) desc, system_key asc
            ) as preference

        from (
            {{ placed_files(files, keys=[key]) }}
        ) as placed
        group by {{ key }}, system_key
    ) as counted
    where preference = 1
{%- endmacro %}
