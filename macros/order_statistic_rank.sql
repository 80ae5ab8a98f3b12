{% macro order_statistic_rank(quantile, bound, size) -%}
    {%- set share = {'p50': 0.5, 'p85': 0.85}[quantile] -%}
    {%- set reach = '1.96 * sqrt(' ~ share ~ ' * ' ~ (1 - share) | round(2) ~ ' * ' ~ size ~ ')' -%}
    coalesce(
        ranks.{{ quantile }}_{{ bound }},
        {%- if bound == 'lower' %}
        floor({{ share }} * {{ size }} - {{ reach }})
        {%- else %}
        ceil({{ share }} * {{ size }} + {{ reach }}) + 1
        {%- endif %}
    )
{%- endmacro %}
