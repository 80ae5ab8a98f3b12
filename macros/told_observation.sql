{#- Withheld looks the same whatever the reason; what passed is cut to the declared precision. -#}
{% macro told_observation(relation) -%}
    select
        metric_key,
        grain,
        grain_key,
        slice,
        slice_value,
        statistic,
        clock,
        bucket,
        bucket_start,
        case when status = 'ok' then {{ cut('value', 'precision_step') }} end as value,
        case when status = 'ok' then {{ cut('lower_bound', 'precision_step', 'floor') }} end
            as lower_bound,
        case when status = 'ok' then {{ cut('upper_bound', 'precision_step', 'ceil') }} end
            as upper_bound,
        -- Hours of two nested sets would be the hours of what is in one of them only.
        case when status = 'ok' and statistic != 'ratio' then {{ cut('numerator', 1) }} end
            as numerator,
        case when status = 'ok' and statistic != 'ratio' then {{ cut('denominator', 1) }} end
            as denominator,
        case when status = 'ok' then cast(sample_size as bigint) end as sample_size,
        case when status = 'ok' then method end as method,
        status

    from {{ relation }}
{%- endmacro %}
