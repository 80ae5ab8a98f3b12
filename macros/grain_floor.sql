{#- A model above the floor must not name a person: said before anything is built. -#}
{% macro grain_floor() -%}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- set forbidden = '(^|_)(person|people|respondent_key|account_key|author|reviewer|coauthor|committer|assignee|login|e_?mail|user)(_|$)' -%}
        {%- for node in graph.nodes.values()
            if node.resource_type == 'model' and node.config.group == 'published' -%}
            {%- for column in node.columns if modules.re.search(forbidden, column) -%}
                {{ exceptions.raise_compiler_error(
                    "GL-C05 " ~ node.name ~ " declares the column " ~ column ~ ", which names a person. "
                    ~ "Publish a group's measure instead, e.g. a metric_key of the catalogue at the grain team."
                ) }}
            {%- endfor -%}
            {%- set words = modules.re.findall('[a-z_]+_key\\b|\\b(?:login|e_?mail)\\b', node.raw_code | lower) -%}
            {%- for word in words if modules.re.search(forbidden, word) -%}
                {{ exceptions.raise_compiler_error(
                    "GL-C05 " ~ node.name ~ " selects " ~ word ~ ", which is a person's key. "
                    ~ "Read floor_observations instead: it holds what may be said of groups."
                ) }}
            {%- endfor -%}
            {%- for dependency in node.depends_on.nodes -%}
                {%- set parent = graph.nodes.get(dependency) -%}
                {%- if parent is not none and parent.resource_type == 'model'
                    and 'vault' in parent.fqn -%}
                    {{ exceptions.raise_compiler_error(
                        "GL-C01 " ~ node.name ~ " reads " ~ parent.name ~ ", which lies below the floor. "
                        ~ "Read floor_observations instead."
                    ) }}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
