{% macro setting(name) -%}
    {%- if name == 'minimum_people' -%}
        {%- set given = env_var('FLOWGRAIN_MINIMUM_PEOPLE', '5') -%}
        {%- if not modules.re.fullmatch('[0-9]{1,4}', given) or given | int < 5 -%}
            {{ exceptions.raise_compiler_error(
                "GL-C19 FLOWGRAIN_MINIMUM_PEOPLE must be a whole number from 5 on, e.g. 8"
            ) }}
        {%- endif -%}
        {{ return(given | int) }}
    {%- elif name == 'publish_bus_factor' -%}
        {%- set given = env_var('FLOWGRAIN_PUBLISH_BUS_FACTOR', 'integer') -%}
        {%- if given not in ('integer', 'band') -%}
            {{ exceptions.raise_compiler_error(
                "GL-C19 FLOWGRAIN_PUBLISH_BUS_FACTOR is integer or band"
            ) }}
        {%- endif -%}
        {{ return(given) }}
    {%- endif -%}
    {%- set value = var(name) -%}
    {%- if name == 'as_of' -%}
        {%- if value is not none and not modules.re.fullmatch('\d{4}-\d{2}-\d{2}', value | string) -%}
            {{ exceptions.raise_compiler_error("as_of is no date: write it like '2026-03-31'") }}
        {%- endif -%}
    {%- elif value is not number or value < 0 -%}
        {{ exceptions.raise_compiler_error("Setting " ~ name ~ " must be a number from 0 on") }}
    {%- endif -%}
    {{ return(value) }}
{%- endmacro %}
