{#- The longest prefix that held a file that day names its system. -#}
{% macro placed_files(files, keys) -%}
    select *
    from (
        select
            {{ files }}.*,
            system_paths.system_key,
            row_number() over (
                partition by {% for key in keys %}{{ files }}.{{ key }}, {% endfor %}{{ files }}.path
                order by length(system_paths.path_prefix) desc, system_paths.system_key asc
            ) as prefix_preference

        from {{ files }}
        inner join system_paths
            on
                {{ files }}.repository = system_paths.repository
                and {{ files }}.owned_on >= system_paths.valid_from
                and {{ files }}.owned_on < system_paths.valid_to
                and substring({{ files }}.path, 1, length(system_paths.path_prefix))
                = system_paths.path_prefix
    ) as prefixed
    where prefix_preference = 1
{%- endmacro %}
