{#- dbt writes what it compiles of a seed at the seed's own path below target/: with an absolute
    path that is the seed itself. -#}
{% macro assert_organisation_inside() -%}
    {%- set folder = env_var('FLOWGRAIN_ORGANISATION', 'seeds/organisation') -%}
    {%- if folder.startswith('/') or '..' in folder -%}
        {{ exceptions.raise_compiler_error(
            "FLOWGRAIN_ORGANISATION must lie inside the project when dbt is run directly. "
            ~ "Run `flowgrain build`, which copies it in, or give a folder relative to the project."
        ) }}
    {%- endif -%}
{%- endmacro %}
