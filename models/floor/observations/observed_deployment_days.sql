with deployments as (
    select * from {{ ref('int_delivery_measurements') }}
    where metric_key = 'deployment_frequency'
),

weeks as (
    select * from {{ ref('int_weeks') }}
),

buckets as (
    select * from {{ ref('int_buckets') }}
),

deployed_days as (
    {%- for grain, grain_key in [
        ('team', 'team_key'),
        ('value_stream', 'value_stream_key'),
        ('system', 'system_key'),
        ('portfolio', "'all'"),
    ] %}
    select distinct
        '{{ grain }}' as grain,
        {{ grain_key }} as grain_key,
        cast({{ dbt.date_trunc('week', 'counted_at') }} as date) as week_start,
        cast(counted_at as date) as deployed_on

    from deployments
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

deployed_weeks as (
    select
        grain,
        grain_key,
        week_start,
        count(*) as day_count

    from deployed_days
    group by grain, grain_key, week_start
),

observed as (
    select distinct
        deployed_weeks.grain,
        deployed_weeks.grain_key,
        weeks.bucket,
        weeks.bucket_start

    from deployed_weeks
    inner join weeks on deployed_weeks.week_start = weeks.week_start
),

-- A week without a deployment is one of no days, not one that is left out.
all_weeks as (
    select
        observed.grain,
        observed.grain_key,
        observed.bucket,
        observed.bucket_start,
        coalesce(deployed_weeks.day_count, 0) as day_count

    from observed
    inner join weeks
        on
            observed.bucket = weeks.bucket
            and observed.bucket_start = weeks.bucket_start
    left join deployed_weeks
        on
            observed.grain = deployed_weeks.grain
            and observed.grain_key = deployed_weeks.grain_key
            and weeks.week_start = deployed_weeks.week_start
),

medians as (
    select
        grain,
        grain_key,
        bucket,
        bucket_start,
        {{ percentile('day_count', 0.5) }} as median_days

    from all_weeks
    group by grain, grain_key, bucket, bucket_start
),

-- All weeks of the bucket are there: nothing is drawn from anything, so there is no range.
ranged as (
    select
        'deployment_days' as metric_key,
        'all' as slice,
        'all' as slice_value,
        'p50' as statistic,
        'none' as clock,
        medians.grain,
        medians.grain_key,
        medians.bucket,
        medians.bucket_start,
        medians.median_days as value,
        medians.median_days as lower_bound,
        medians.median_days as upper_bound,
        cast(null as {{ type_double() }}) as numerator,
        cast(null as {{ type_double() }}) as denominator,
        buckets.week_count as sample_size,
        'census' as method,
        true as is_supported

    from medians
    inner join buckets
        on
            medians.bucket = buckets.bucket
            and medians.bucket_start = buckets.bucket_start
),

final as (
    {{ exact_observation('ranged') }}
)

select * from final
