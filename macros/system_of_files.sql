{#- The longest prefix that holds a file names its system; an event has the one of most files. -#}
{% macro system_of_files(touched, key) -%}
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
            select
                {{ touched }}.{{ key }},
                {{ touched }}.is_source,
                system_paths.system_key,
                row_number() over (
                    partition by {{ touched }}.{{ key }}, {{ touched }}.path
                    order by length(system_paths.path_prefix) desc, system_paths.system_key asc
                ) as preference

            from {{ touched }}
            inner join system_paths
                on
                    {{ touched }}.repository = system_paths.repository
                    and {{ touched }}.owned_on >= system_paths.valid_from
                    and {{ touched }}.owned_on < system_paths.valid_to
                    and substring({{ touched }}.path, 1, length(system_paths.path_prefix))
                    = system_paths.path_prefix
        ) as placed
        where preference = 1
        group by {{ key }}, system_key
    ) as counted
    where preference = 1
{%- endmacro %}
