{#- 97.5 % quantile of Student's t by its expansion in 1 / df; off by less than 0.001 from df 4 on
    (Abramowitz and Stegun 26.7.5). -#}
{% macro t_quantile(df) -%}
    (
        1.959963985
        + 2.372271 / ({{ df }})
        + 2.822500 / (({{ df }}) * ({{ df }}))
        + 2.556 / (({{ df }}) * ({{ df }}) * ({{ df }}))
        + 1.5895 / (({{ df }}) * ({{ df }}) * ({{ df }}) * ({{ df }}))
    )
{%- endmacro %}
