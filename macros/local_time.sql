{#- Timestamp of a day and a time of day written HH:MM. -#}
{% macro local_time(day, time_of_day) -%}
    cast(cast({{ day }} as varchar(10)) || ' ' || {{ time_of_day }} || ':00' as timestamp)
{%- endmacro %}
