{#- An event of several files has the system of most of them; without any its repository's own. -#}
{% macro system_of_files(files, events, key) -%}
    select
        {{ events }}.{{ key }},
        coalesce(by_files.system_key, system_paths.system_key) as system_key

    from {{ events }}
    left join (
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
    ) as by_files
        on
            {{ events }}.{{ key }} = by_files.{{ key }}
            and by_files.preference = 1
    left join system_paths
        on
            {{ events }}.repository = system_paths.repository
            and system_paths.path_prefix = ''
            and {{ events }}.owned_on >= system_paths.valid_from
            and {{ events }}.owned_on < system_paths.valid_to
{%- endmacro %}
