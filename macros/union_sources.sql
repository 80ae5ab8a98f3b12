{#- Sources that emit canonical entities, the one that knows most first. -#}
{% macro canonical_sources() -%}
    {{ return(['files', 'github', 'devlake', 'git']) }}
{%- endmacro %}

{#- Sources with tables of their own, and what models/vault/staging/<source>/ makes of them. -#}
{% macro mapped_entities() -%}
    {{ return({
        'github': [
            'changes', 'change_work_items', 'change_commits', 'change_reviews', 'commits',
            'ci_runs',
        ],
        'devlake': [
            'changes', 'change_work_items', 'change_commits', 'change_reviews', 'commits',
            'commit_files', 'work_items', 'work_item_transitions', 'work_item_links', 'ci_runs',
            'deployments', 'deployment_commits', 'incidents', 'initiatives',
            'vulnerability_findings',
        ],
    }) }}
{%- endmacro %}

{#- An event that two sources deliver is one event: the source that knows most tells it. -#}
{% macro union_sources(entity, key, columns=[]) -%}
    {%- set mapped = mapped_entities() -%}
    {%- set selects = [] -%}
    {%- for name in canonical_sources() -%}
        {%- if name not in mapped -%}
            {%- do selects.append((loop.index, name, source(name, entity))) -%}
        {%- elif entity in mapped[name] -%}
            {%- do selects.append((loop.index, name, ref('stg_' ~ name ~ '__' ~ entity))) -%}
        {%- endif -%}
    {%- endfor -%}
    select *
    from (
        select
            *,
            row_number() over (
                partition by {{ key | join(', ') }} order by source_rank
            ) as preference
        from (
            {%- for rank, name, relation in selects %}
            select
                '{{ name }}' as source,
                {{ rank }} as source_rank,
                {{ (key + columns) | join(',\n                ') }}
            from {{ relation }}
            {%- if not loop.last %}
            union all
            {%- endif %}
            {%- endfor %}
        ) as told_by_each
    ) as ranked
    where preference = 1
{%- endmacro %}
