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
            'commit_files', 'work_items', 'work_item_transitions', 'ci_runs', 'deployments',
            'deployment_commits', 'incidents',
        ],
    }) }}
{%- endmacro %}

{#- An event that two sources deliver is one event: the source that knows most tells it.
    Of each column in `people`, whose key it is now, and whether somebody said who that is. -#}
{% macro union_sources(entity, key, columns=[], people=[]) -%}
    {%- set mapped = mapped_entities() -%}
    {%- set relations = [] -%}
    {%- for name in canonical_sources() -%}
        {%- if name not in mapped -%}
            {%- do relations.append((loop.index, name, source(name, entity))) -%}
        {%- elif entity in mapped[name] -%}
            {%- do relations.append((loop.index, name, ref('stg_' ~ name ~ '__' ~ entity))) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set told = [] -%}
    {%- for column in key + columns -%}
        {%- if column.endswith('_key') and column[:-4] in people -%}
            {%- set person = column[:-4] -%}
            {%- do told.append('coalesce(' ~ person ~ '.person_key, told.' ~ column ~ ') as ' ~ column) -%}
            {%- do told.append('coalesce(' ~ person ~ '.is_resolved, false) as ' ~ person ~ '_is_resolved') -%}
        {%- else -%}
            {%- do told.append('told.' ~ column) -%}
        {%- endif -%}
    {%- endfor -%}
    select *
    from (
        select
            *,
            row_number() over (
                partition by {{ key | join(', ') }}
                order by source_rank
                    {%- for person in people %}, case when {{ person }}_is_bot then 1 else 0 end
                    {%- endfor %}
            ) as preference
        from (
            {%- for rank, name, relation in relations %}
            select
                '{{ name }}' as source,
                {{ rank }} as source_rank,
                {{ told | join(',\n                ') }}
            from {{ relation }} as told
            {%- for person in people %}
            left join {{ ref('stg_door__people') }} as {{ person }}
                on told.{{ person }}_key = {{ person }}.landed_key
            {%- endfor %}
            {%- if not loop.last %}
            union all
            {%- endif %}
            {%- endfor %}
        ) as told_by_each
    ) as ranked
    where preference = 1
{%- endmacro %}
