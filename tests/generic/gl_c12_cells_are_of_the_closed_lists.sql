{#- GL-C12: grains and buckets are those of the floor: no other cut stands beside them. -#}
{% test gl_c12_cells_are_of_the_closed_lists(model) %}

{%- set lists = {
    'grain': ['team', 'value_stream', 'system', 'portfolio'],
    'bucket': ['week', 'period', 'quarter'],
} %}

select 1 as failure
from {{ model }}
where
    1 = 0
    {%- for column in lists if column in declared(model).columns %}
    or {{ column }} is null
    or {{ column }} not in ('{{ lists[column] | join("', '") }}')
    {%- endfor %}

{% endtest %}
