{#- A constant of the floor: who owns a system cannot lose two people. -#}
{% macro greatest_fragile() -%}
    2
{%- endmacro %}
