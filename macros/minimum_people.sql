{#- k of the grain floor: a constant of the guard, which an installation may raise, never lower.
    The model imports int_settings as settings. -#}
{% macro minimum_people() -%}
    greatest(5, (select minimum_people from settings))
{%- endmacro %}
