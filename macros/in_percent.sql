{#- A share as a reader says it: whole percent, halves away from zero. -#}
{% macro in_percent(share) -%}
    cast(cast(round({{ share }} * 100, 0) as {{ dbt.type_int() }}) as {{ dbt.type_string() }}) || ' %'
{%- endmacro %}
