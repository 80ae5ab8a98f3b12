with states as (
    select * from {{ ref('int_system_states') }}
),

cells as (
    {{ at_each_grain('states', columns=[
        'metric_key', 'kind', 'slice', 'slice_value', 'clock', 'bucket', 'bucket_start',
        'amount', 'denominator',
    ]) }}
),

summarised as (
    select
        metric_key,
        kind,
        slice,
        slice_value,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        count(*) as sample_size,
        cast(sum(amount) as {{ type_double() }}) as amount,
        cast(sum(denominator) as {{ type_double() }}) as denominator,
        {{ percentile('amount', 0.5) }} as p50,
        {{ percentile('amount', 0.85) }} as p85

    from cells
    group by
        metric_key, kind, slice, slice_value, clock, grain, grain_key, bucket, bucket_start
),

valued as (
    select
        metric_key,
        slice,
        slice_value,
        'share' as statistic,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        amount / denominator as value,
        amount as numerator,
        denominator,
        sample_size

    from summarised
    where kind = 'share'
    {%- for quantile in ['p50', 'p85'] %}
    union all
    select
        metric_key,
        slice,
        slice_value,
        '{{ quantile }}' as statistic,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        {{ quantile }} / 3600.0 as value,
        cast(null as {{ type_double() }}) as numerator,
        cast(null as {{ type_double() }}) as denominator,
        sample_size

    from summarised
    where kind = 'quantile'
    {%- endfor %}
),

-- All there is was counted, and nothing drawn from it: the bounds are the value.
ranged as (
    select
        *,
        value as lower_bound,
        value as upper_bound,
        'census' as method,
        true as is_supported

    from valued
),

-- Doubles end here: what follows compares and cuts exact decimals.
final as (
    {{ exact_observation('ranged') }}
)

select * from final
