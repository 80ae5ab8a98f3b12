{#- Working seconds of a calendar that lie before a moment; `days` is int_working_days, joined on
    the calendar and the moment's UTC date. -#}
{% macro working_position(moment, days) -%}
    (
        {{ days }}.working_seconds_before
        + case
            when {{ moment }} <= {{ days }}.first_opens_at then 0
            when {{ moment }} >= {{ days }}.first_closes_at
                then {{ seconds_between(days ~ '.first_opens_at', days ~ '.first_closes_at') }}
            when {{ moment }} > {{ days }}.first_opens_at
                then {{ seconds_between(days ~ '.first_opens_at', moment) }}
            else 0
        end
        + case
            when {{ moment }} <= {{ days }}.second_opens_at then 0
            when {{ moment }} >= {{ days }}.second_closes_at
                then {{ seconds_between(days ~ '.second_opens_at', days ~ '.second_closes_at') }}
            when {{ moment }} > {{ days }}.second_opens_at
                then {{ seconds_between(days ~ '.second_opens_at', moment) }}
            else 0
        end
    )
{%- endmacro %}
