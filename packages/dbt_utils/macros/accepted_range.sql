{% test accepted_range(model, column_name, min_value=none, max_value=none, inclusive=true) %}

{%- set equal = '=' if inclusive else '' %}
select {{ column_name }}
from {{ model }}
where
    1 = 0
    {%- if min_value is not none %}
    or not {{ column_name }} >{{ equal }} {{ min_value }}
    {%- endif %}
    {%- if max_value is not none %}
    or not {{ column_name }} <{{ equal }} {{ max_value }}
    {%- endif %}

{% endtest %}
