{#- The join that working_position needs. -#}
{% macro working_days_join(moment, calendar_key, days) -%}
    left join {{ ref('int_working_days') }} as {{ days }}
        on
            {{ calendar_key }} = {{ days }}.calendar_key
            and cast({{ moment }} as date) = {{ days }}.utc_date
{%- endmacro %}
