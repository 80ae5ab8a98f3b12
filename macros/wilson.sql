{#- Wilson score interval of a proportion, 95 %; `side` is lower or upper. -#}
{% macro wilson(numerator, denominator, side) -%}
    {{ 'greatest(0,' if side == 'lower' else 'least(1,' }}
        ({{ numerator }} * 1.0 / {{ denominator }} + 1.920729 / {{ denominator }}
        {{ '-' if side == 'lower' else '+' }} 1.959964 * sqrt(
            greatest(
                ({{ numerator }} * 1.0 / {{ denominator }}) * (1 - {{ numerator }} * 1.0 / {{ denominator }})
                / {{ denominator }}
                + 0.9603647 / ({{ denominator }} * {{ denominator }}),
                0
            )
        ))
        / (1 + 3.841459 / {{ denominator }})
    )
{%- endmacro %}
