with cells as (
    select * from {{ ref('int_measured_cells') }}
    where kind = 'ratio'
),

exact as (
    select
        *,
        cast(numerator as numeric(18, 0)) as n,
        cast(denominator as numeric(18, 0)) as d
    from cells
),

-- Squares of seconds are summed as exact decimals: doubles would depend on the order of rows.
sums as (
    select
        metric_key,
        slice,
        slice_value,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        count(*) as sample_size,
        cast(sum(n) as {{ type_double() }}) as numerator,
        cast(sum(d) as {{ type_double() }}) as denominator,
        cast(sum(n * n) as {{ type_double() }}) as sum_nn,
        cast(sum(n * d) as {{ type_double() }}) as sum_nd,
        cast(sum(d * d) as {{ type_double() }}) as sum_dd

    from exact
    group by metric_key, slice, slice_value, clock, grain, grain_key, bucket, bucket_start
),

ratios as (
    select
        *,
        numerator / nullif(denominator, 0) as ratio
    from sums
),

-- Delta method clustered on the change: a change is one draw of both sums.
spread as (
    select
        *,
        sqrt(
            greatest(sum_nn - 2 * ratio * sum_nd + ratio * ratio * sum_dd, 0)
            * sample_size / nullif(sample_size - 1.0, 0)
        ) / nullif(denominator, 0) as standard_error

    from ratios
),

on_logit as (
    select
        *,
        case when ratio > 0 and ratio < 1 then ln(ratio / (1 - ratio)) end as logit,
        case
            when ratio > 0 and ratio < 1
                then
                    {{ t_quantile('(sample_size - 1.0)') }}
                    * standard_error / nullif(ratio * (1 - ratio), 0)
        end as half_width

    from spread
),

ranged as (
    select
        metric_key,
        slice,
        slice_value,
        'ratio' as statistic,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        case when ratio > 0 and ratio < 1 then ratio end as value,
        case
            when ratio <= 0 then 0
            when ratio >= 1 then 0.9
            else 1 / (1 + exp(-(logit - half_width)))
        end as lower_bound,
        case
            when ratio <= 0 then 0.1
            when ratio >= 1 then 1
            else 1 / (1 + exp(-(logit + half_width)))
        end as upper_bound,
        case when ratio > 0 and ratio < 1 then numerator / 3600.0 end as numerator,
        case when ratio > 0 and ratio < 1 then denominator / 3600.0 end as denominator,
        sample_size,
        case when ratio > 0 and ratio < 1 then 'delta_logit_t' else 'band' end as method,
        true as is_supported

    from on_logit
    where sample_size > 1
),

-- Doubles end here: what follows compares and cuts exact decimals.
final as (
    {{ exact_observation('ranged') }}
)

select * from final
