{% test expression_is_true(model, expression, column_name=none) %}

select 1 as failure
from {{ model }}
where not coalesce({{ (column_name ~ ' ') if column_name else '' }}{{ expression }}, false)

{% endtest %}
