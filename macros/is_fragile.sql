{#- A constant of the floor: who owns a system cannot lose two people. -#}
{% macro is_fragile(bus_factor) -%}
    {{ bus_factor }} <= 2
{%- endmacro %}
