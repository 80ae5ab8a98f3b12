{#- Seconds are told in hours; what has no clock, in its own unit. -#}
{%- set unit = "case when clock = 'none' then 1.0 else 3600.0 end" -%}
with cells as (
    select * from {{ ref('int_measured_cells') }}
    where kind = 'quantile'
),

ranks as (
    select * from {{ ref('order_statistic_ranks') }}
),

ranked as (
    select
        *,
        row_number() over (
            partition by
                metric_key, slice, slice_value, clock, grain, grain_key, bucket, bucket_start
            order by amount, change_key
        ) as place,
        count(*) over (
            partition by
                metric_key, slice, slice_value, clock, grain, grain_key, bucket, bucket_start
        ) as sample_size

    from cells
),

bounded as (
    select
        ranked.*,
        {%- for quantile in ['p50', 'p85'] %}
        {{ order_statistic_rank(quantile, 'lower', 'ranked.sample_size') }} as {{ quantile }}_lower,
        {{ order_statistic_rank(quantile, 'upper', 'ranked.sample_size') }} as {{ quantile }}_upper
        {%- if not loop.last %},{% endif %}
        {%- endfor %}

    from ranked
    left join ranks on ranked.sample_size = ranks.observation_count
),

summarised as (
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
        {{ percentile('amount', 0.5) }} as p50,
        max(case when place = p50_lower then amount end) as p50_lower_bound,
        max(case when place = p50_upper then amount end) as p50_upper_bound,
        -- No bound may be one person's extreme: five events and three people lie beyond it.
        sum(case when place < p50_lower then 1 else 0 end) as p50_events_below,
        sum(case when place > p50_upper then 1 else 0 end) as p50_events_above,
        count(distinct case when place < p50_lower then subject_key end) as p50_people_below,
        count(distinct case when place > p50_upper then subject_key end) as p50_people_above,
        {{ percentile('amount', 0.85) }} as p85,
        max(case when place = p85_lower then amount end) as p85_lower_bound,
        max(case when place = p85_upper then amount end) as p85_upper_bound,
        sum(case when place < p85_lower then 1 else 0 end) as p85_events_below,
        sum(case when place > p85_upper then 1 else 0 end) as p85_events_above,
        count(distinct case when place < p85_lower then subject_key end) as p85_people_below,
        count(distinct case when place > p85_upper then subject_key end) as p85_people_above

    from bounded
    group by metric_key, slice, slice_value, clock, grain, grain_key, bucket, bucket_start
),

ranged as (
    {%- for quantile in ['p50', 'p85'] %}
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
        {{ quantile }} / {{ unit }} as value,
        {{ quantile }}_lower_bound / {{ unit }} as lower_bound,
        {{ quantile }}_upper_bound / {{ unit }} as upper_bound,
        cast(null as {{ type_double() }}) as numerator,
        cast(null as {{ type_double() }}) as denominator,
        sample_size,
        'order_statistics' as method,
        {{ quantile }}_events_below >= 5
        and {{ quantile }}_events_above >= 5
        and {{ quantile }}_people_below >= 3
        and {{ quantile }}_people_above >= 3 as is_supported

    from summarised
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

-- Doubles end here: what follows compares and cuts exact decimals.
final as (
    {{ exact_observation('ranged') }}
)

select * from final
