{#- Cut to a precision: `how` is round, floor or ceil. -#}
{% macro cut(expression, precision_step, how='round') -%}
    {%- set steps = 'cast(' ~ expression ~ ' as ' ~ type_double() ~ ') / ' ~ precision_step -%}
    cast(
        {%- if how == 'floor' -%}
            floor({{ steps }} + 0.0000001)
        {%- elif how == 'ceil' -%}
            ceil({{ steps }} - 0.0000001)
        {%- else -%}
            {{ rounded(steps) }}
        {%- endif %} * {{ precision_step }} as numeric(18, 4))
{%- endmacro %}
