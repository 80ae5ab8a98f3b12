{#- Cut to a precision: `how` is round, floor or ceil. -#}
{% macro cut(expression, precision_step, how='round') -%}
    cast({{ how }}(cast({{ expression }} as {{ type_double() }}) / {{ precision_step }}
    {%- if how == 'floor' %} + 0.0000001{% elif how == 'ceil' %} - 0.0000001{% endif %}) * {{ precision_step }} as numeric(18, 4))
{%- endmacro %}
