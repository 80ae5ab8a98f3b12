{#- k of the grain floor. A constant of the guard: it is no variable and nothing lowers it. -#}
{% macro minimum_people() -%}
    5
{%- endmacro %}
