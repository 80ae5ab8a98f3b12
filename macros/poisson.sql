{#- Garwood's exact Poisson limits, by the Wilson-Hilferty approximation of the quantile. -#}
{% macro poisson(count, bound) -%}
    {%- if bound == 'lower' -%}
        case
            when {{ count }} = 0 then 0
            else {{ count }} * power(
                greatest(
                    1 - 1 / (9.0 * greatest({{ count }}, 1))
                    - 1.959964 / (3 * sqrt(greatest({{ count }}, 1))), 0
                ), 3
            )
        end
    {%- else -%}
        ({{ count }} + 1) * power(
            1 - 1 / (9.0 * ({{ count }} + 1)) + 1.959964 / (3 * sqrt({{ count }} + 1)), 3
        )
    {%- endif -%}
{%- endmacro %}
