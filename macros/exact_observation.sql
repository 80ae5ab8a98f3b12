{#- The shape that every observed_* model ends in. -#}
{% macro exact_observation(relation) -%}
    select
        metric_key,
        slice,
        slice_value,
        statistic,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        cast(value as numeric(18, 6)) as value,
        cast(lower_bound as numeric(18, 6)) as lower_bound,
        cast(upper_bound as numeric(18, 6)) as upper_bound,
        cast(numerator as numeric(18, 6)) as numerator,
        cast(denominator as numeric(18, 6)) as denominator,
        sample_size,
        method,
        is_supported

    from {{ relation }}
{%- endmacro %}
