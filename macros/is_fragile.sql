{% macro is_fragile(bus_factor) -%}
    {{ bus_factor }} <= {{ greatest_fragile() }}
{%- endmacro %}
