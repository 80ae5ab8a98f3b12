{% macro minutes_before(moment, minutes) -%}
    {{ dbt.dateadd('minute', -1 * (minutes | int), moment) }}
{%- endmacro %}
