{#- Beside every row the system that it says, if the organisation knows it; else its repository's. -#}
{% macro placed_in_system(relation, at) -%}
    select
        {{ relation }}.*,
        coalesce(systems.system_key, repository_systems.system_key, 'unassigned')
            as placed_system_key

    from {{ relation }}
    left join systems on {{ relation }}.system_key = systems.system_key
    -- The system that holds a repository's own folder speaks for it.
    left join system_paths as repository_systems
        on
            systems.system_key is null
            and {{ relation }}.repository = repository_systems.repository
            and repository_systems.path_prefix = ''
            and cast({{ relation }}.{{ at }} as date) >= repository_systems.valid_from
            and cast({{ relation }}.{{ at }} as date) < repository_systems.valid_to
{%- endmacro %}
