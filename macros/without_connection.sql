{% macro without_connection(devlake_id) -%}
    {{ return(adapter.dispatch('without_connection', 'flowgrain')(devlake_id)) }}
{%- endmacro %}

{% macro default__without_connection(devlake_id) -%}
    regexp_replace({{ devlake_id }}, '^([^:]+:[^:0-9][^:]*):[0-9]+:', '\1:')
{%- endmacro %}

{% macro spark__without_connection(devlake_id) -%}
    regexp_replace({{ devlake_id }}, '^([^:]+:[^:0-9][^:]*):[0-9]+:', '$1:')
{%- endmacro %}
