{% macro setting(name) -%}
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
