{#- An event counts for its team, its value stream, its system and the portfolio. -#}
{% macro at_each_grain(relation, columns, grains=none) -%}
    {%- for grain in grains or ('team', 'value_stream', 'system', 'portfolio') %}
    select
        '{{ grain }}' as grain,
        {{ "'all'" if grain == 'portfolio' else grain ~ '_key' }} as grain_key,
        {{ columns | join(',\n        ') }}

    from {{ relation }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
{%- endmacro %}
