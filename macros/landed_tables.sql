{#- Tables of all sources of events, as pairs of source and entity; none while dbt parses. -#}
{% macro landed_tables() -%}
    {%- set found = [] -%}
    {%- for node in graph.get('sources', {}).values() if node.source_name in canonical_sources() -%}
        {%- do found.append((node.source_name, node.name)) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}
