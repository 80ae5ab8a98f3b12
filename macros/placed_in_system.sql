{#- Beside every row the system that it says, if there is one; else its repository's. -#}
{% macro placed_in_system(relation, at) -%}
    select
        {{ relation }}.*,
        coalesce(systems.system_key, system_paths.system_key, 'unassigned') as placed_system_key

    from {{ relation }}
    left join systems on {{ relation }}.system_key = systems.system_key
    -- The system that holds a repository's own folder speaks for it.
    left join system_paths
        on
            systems.system_key is null
            and {{ relation }}.repository = system_paths.repository
            and system_paths.path_prefix = ''
            and cast({{ relation }}.{{ at }} as date) >= system_paths.valid_from
            and cast({{ relation }}.{{ at }} as date) < system_paths.valid_to
{%- endmacro %}
