{#- What the project declares of a built model; nothing while dbt parses. -#}
{% macro declared(relation) -%}
    {%- for node in (graph.nodes.values() if execute else [])
        if node.resource_type == 'model' and node.name == relation.identifier -%}
        {%- do return(node) -%}
    {%- endfor -%}
    {%- do return({'name': relation.identifier, 'columns': {}, 'config': {'meta': {}}}) -%}
{%- endmacro %}
