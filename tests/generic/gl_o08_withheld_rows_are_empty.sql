{#-
    GL-O08: a row that is not ok has no figure. `status` speaks for the columns that every fact has
    and for `figures`, `x_status` for x and its range.
-#}
{% test gl_o08_withheld_rows_are_empty(model, figures=[]) %}

{%- set columns = declared(model).columns -%}
{%- set every = [
    'value', 'lower_bound', 'upper_bound', 'numerator', 'denominator', 'sample_size', 'method',
] %}

select 1 as failure
from {{ model }}
where
    1 = 0
    {%- for status in columns if status == 'status' or status.endswith('_status') %}
    {%- set measure = status | replace('_status', '') %}
    {%- set told = every + figures if status == 'status'
        else [measure, measure ~ '_lower', measure ~ '_upper'] %}
    {%- for figure in told if figure in columns %}
    or (coalesce({{ status }}, '') != 'ok' and {{ figure }} is not null)
    {%- endfor %}
    {%- endfor %}

{% endtest %}
