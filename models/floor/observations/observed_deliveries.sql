with measurements as (
    select * from {{ ref('int_system_measurements') }}
),

weeks as (
    select * from {{ ref('int_weeks') }}
),

buckets as (
    select * from {{ ref('int_buckets') }}
),

ranks as (
    select * from {{ ref('order_statistic_ranks') }}
),

placed as (
    select
        measurements.*,
        weeks.bucket,
        weeks.bucket_start

    from measurements
    inner join weeks
        on
            cast({{ dbt.date_trunc('week', 'measurements.counted_at') }} as date)
            = weeks.week_start
),

cells as (
    {{ at_each_grain('placed', columns=[
        'metric_key', 'kind', 'slice', 'slice_value', 'clock', 'bucket', 'bucket_start',
        'event_key', 'amount',
    ]) }}
),

ranked as (
    select
        *,
        row_number() over (
            partition by
                metric_key, slice, slice_value, clock, grain, grain_key, bucket, bucket_start
            order by amount, event_key
        ) as place,
        count(*) over (
            partition by
                metric_key, slice, slice_value, clock, grain, grain_key, bucket, bucket_start
        ) as sample_size

    from cells
    where kind = 'quantile'
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
        sample_size,
        {{ percentile('amount', 0.5) }} as p50,
        max(case when place = p50_lower then amount end) as p50_lower_bound,
        max(case when place = p50_upper then amount end) as p50_upper_bound,
        {{ percentile('amount', 0.85) }} as p85,
        max(case when place = p85_lower then amount end) as p85_lower_bound,
        max(case when place = p85_upper then amount end) as p85_upper_bound

    from bounded
    group by
        metric_key, slice, slice_value, clock, grain, grain_key, bucket, bucket_start, sample_size
),

counted as (
    select
        cells.metric_key,
        cells.kind,
        cells.slice,
        cells.slice_value,
        cells.clock,
        cells.grain,
        cells.grain_key,
        cells.bucket,
        cells.bucket_start,
        buckets.week_count,
        cast(count(*) as {{ type_double() }}) as event_count,
        cast(sum(cells.amount) as {{ type_double() }}) as amount

    from cells
    inner join buckets
        on
            cells.bucket = buckets.bucket
            and cells.bucket_start = buckets.bucket_start
    where cells.kind in ('share', 'count')
    group by
        cells.metric_key, cells.kind, cells.slice, cells.slice_value, cells.clock, cells.grain,
        cells.grain_key, cells.bucket, cells.bucket_start, buckets.week_count
),

ranged as (
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
        amount / event_count as value,
        {{ wilson('amount', 'event_count', 'lower') }} as lower_bound,
        {{ wilson('amount', 'event_count', 'upper') }} as upper_bound,
        amount as numerator,
        event_count as denominator,
        event_count as sample_size,
        'wilson' as method,
        true as is_supported

    from counted
    where kind = 'share'
    {%- for statistic, unit in [('count', '1'), ('rate', 'week_count')] %}
    union all
    select
        metric_key,
        slice,
        slice_value,
        '{{ statistic }}' as statistic,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        amount / {{ unit }} as value,
        {{ poisson('amount', 'lower') }} / {{ unit }} as lower_bound,
        {{ poisson('amount', 'upper') }} / {{ unit }} as upper_bound,
        cast(null as {{ type_double() }}) as numerator,
        cast(null as {{ type_double() }}) as denominator,
        amount as sample_size,
        'poisson_wilson_hilferty' as method,
        true as is_supported

    from counted
    where kind = 'count'
    {%- endfor %}
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
        {{ quantile }}_lower_bound / 3600.0 as lower_bound,
        {{ quantile }}_upper_bound / 3600.0 as upper_bound,
        cast(null as {{ type_double() }}) as numerator,
        cast(null as {{ type_double() }}) as denominator,
        cast(sample_size as {{ type_double() }}) as sample_size,
        'order_statistics' as method,
        {{ quantile }}_lower_bound is not null
        and {{ quantile }}_upper_bound is not null as is_supported

    from summarised
    {%- endfor %}
),

-- Doubles end here: what follows compares and cuts exact decimals.
final as (
    {{ exact_observation('ranged') }}
)

select * from final
