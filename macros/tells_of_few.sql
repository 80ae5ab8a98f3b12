{#- Whether a group of a survey, or all that is hidden of one, tells of too few (O13, O15): of a
    mean those who answered; of a favourable share either side too; of a response rate those who
    did not answer, unless all did. The model has the column kind and imports int_settings as
    settings. -#}
{% macro tells_of_few(people, inside, outside) -%}
    (
        {{ people }} < {{ minimum_people() }}
        or (kind = 'share' and ({{ inside }} < 3 or {{ outside }} < 3))
        or (kind = 'rate' and {{ outside }} < {{ minimum_people() }} and {{ outside }} != 0)
    )
{%- endmacro %}
