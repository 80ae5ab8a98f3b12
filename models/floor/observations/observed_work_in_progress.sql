with work_in_progress as (
    select * from {{ ref('int_work_in_progress') }}
    where author_kind = 'human'
),

cells as (
    {{ at_each_grain('work_in_progress', columns=[
        'bucket', 'bucket_start', 'author_key', 'age_seconds',
    ]) }}
),

counted as (
    select
        grain,
        grain_key,
        bucket,
        bucket_start,
        count(*) as sample_size,
        {{ percentile('age_seconds', 0.5) }} as p50,
        {{ percentile('age_seconds', 0.85) }} as p85

    from cells
    group by grain, grain_key, bucket, bucket_start
),

placed as (
    select
        counted.*,
        cells.author_key,
        cells.age_seconds

    from counted
    inner join cells
        on
            counted.grain = cells.grain
            and counted.grain_key = cells.grain_key
            and counted.bucket = cells.bucket
            and counted.bucket_start = cells.bucket_start
),

-- No age may be one person's: five changes and three people lie on either side of it.
sided as (
    select
        grain,
        grain_key,
        bucket,
        bucket_start,
        sample_size,
        p50,
        p85,
        sum(case when age_seconds < p50 then 1 else 0 end) as p50_events_below,
        sum(case when age_seconds > p50 then 1 else 0 end) as p50_events_above,
        count(distinct case when age_seconds < p50 then author_key end) as p50_people_below,
        count(distinct case when age_seconds > p50 then author_key end) as p50_people_above,
        sum(case when age_seconds < p85 then 1 else 0 end) as p85_events_below,
        sum(case when age_seconds > p85 then 1 else 0 end) as p85_events_above,
        count(distinct case when age_seconds < p85 then author_key end) as p85_people_below,
        count(distinct case when age_seconds > p85 then author_key end) as p85_people_above

    from placed
    group by grain, grain_key, bucket, bucket_start, sample_size, p50, p85
),

valued as (
    select
        'flow_load' as metric_key,
        'count' as statistic,
        'none' as clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        sample_size,
        cast(sample_size as {{ type_double() }}) as value,
        true as is_supported

    from counted
    {%- for quantile in ['p50', 'p85'] %}
    union all
    select
        'work_age' as metric_key,
        '{{ quantile }}' as statistic,
        'wall' as clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        sample_size,
        {{ quantile }} / 3600.0 as value,
        {{ quantile }}_events_below >= 5
        and {{ quantile }}_events_above >= 5
        and {{ quantile }}_people_below >= 3
        and {{ quantile }}_people_above >= 3 as is_supported

    from sided
    {%- endfor %}
),

-- What is in progress is counted whole: the bounds are the value.
ranged as (
    select
        metric_key,
        'all' as slice,
        'all' as slice_value,
        statistic,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        value,
        value as lower_bound,
        value as upper_bound,
        cast(null as {{ type_double() }}) as numerator,
        cast(null as {{ type_double() }}) as denominator,
        sample_size,
        'census' as method,
        is_supported

    from valued
),

-- Doubles end here: what follows compares and cuts exact decimals.
final as (
    {{ exact_observation('ranged') }}
)

select * from final
