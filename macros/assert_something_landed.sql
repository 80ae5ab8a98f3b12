{% macro assert_something_landed() -%}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- set loads = adapter.get_relation(target.database, 'door', 'loads') -%}
        {%- if loads is none -%}
            {{ exceptions.raise_compiler_error(
                "Nothing has landed yet. Run `flowgrain land demo`, or land your own sources first."
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
