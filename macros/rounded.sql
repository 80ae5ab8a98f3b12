{% macro rounded(expression) -%}
    {{ return(adapter.dispatch('rounded', 'flowgrain')(expression)) }}
{%- endmacro %}

{% macro default__rounded(expression) -%}
    round({{ expression }})
{%- endmacro %}

{#- PostgreSQL rounds halves of doubles to the even one. What is left behind the point is exact. -#}
{% macro postgres__rounded(expression) -%}
    (trunc({{ expression }}) + trunc(2 * (({{ expression }}) - trunc({{ expression }}))))
{%- endmacro %}
