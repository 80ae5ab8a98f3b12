{#- Sources that emit canonical entities, the one that knows most first. -#}
{% macro canonical_sources() -%}
    {{ return(['files', 'git']) }}
{%- endmacro %}

{% macro union_sources(entity) -%}
    {%- for name in canonical_sources() %}
    select
        '{{ name }}' as source,
        {{ loop.index }} as source_rank,
        landed.*
    from {{ source(name, entity) }} as landed
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}
