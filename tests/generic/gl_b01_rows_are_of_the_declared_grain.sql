{#- GL-B01: the columns of meta.grain have values, and together they tell rows apart. -#}
{% test gl_b01_rows_are_of_the_declared_grain(model) %}

{%- set grain = declared(model).config.meta.get('grain', []) -%}
{%- if execute and not grain -%}
    {{ exceptions.raise_compiler_error(
        "GL-B01 " ~ model.identifier ~ " declares no grain. Name its columns in config.meta.grain."
    ) }}
{%- endif %}

select {{ grain | join(', ') }}
from {{ model }}
group by {{ grain | join(', ') }}
having count(*) > 1 or {{ grain | join(' is null or ') }} is null

{% endtest %}
