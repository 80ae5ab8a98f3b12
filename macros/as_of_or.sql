{#- The setting as_of where it is given, else the expression. -#}
{% macro as_of_or(expression) -%}
    {%- set as_of = setting('as_of') -%}
    {%- if as_of is none -%}
        {{ expression }}
    {%- else -%}
        cast('{{ as_of }}' as {{ dbt.type_timestamp() }})
    {%- endif -%}
{%- endmacro %}
