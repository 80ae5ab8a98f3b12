{% macro seconds_before(moment, seconds) -%}
    {{ dbt.dateadd('second', '-1 * cast(' ~ seconds ~ ' as integer)', moment) }}
{%- endmacro %}
