{% macro to_utc(local_at, time_zone) -%}
    {{ return(adapter.dispatch('to_utc', 'flowgrain')(local_at, time_zone)) }}
{%- endmacro %}

{% macro default__to_utc(local_at, time_zone) -%}
    (({{ local_at }}) at time zone {{ time_zone }}) at time zone 'UTC'
{%- endmacro %}

{% macro spark__to_utc(local_at, time_zone) -%}
    to_utc_timestamp({{ local_at }}, {{ time_zone }})
{%- endmacro %}
