{#- People are told as bands, 5-9, 10-19 and 20 or more: the lower edge of each. -#}
{% macro people_band(people_count) -%}
    case when {{ people_count }} >= 20 then 20 when {{ people_count }} >= 10 then 10 else 5 end
{%- endmacro %}
