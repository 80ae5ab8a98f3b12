{#- Slices whose values part a whole population of people: told all or none, and never in bands. -#}
{% macro parted_slices() -%}
    ('assistance', 'initiative', 'risk_zone', 'work_type')
{%- endmacro %}
