with observations as (
    select * from {{ ref('floor_observations') }}
    where
        slice = 'all'
        and clock in ('wall', 'none')
),

-- Throughput and quality, in one row always.
final as (
    select
        grain,
        grain_key,
        bucket,
        bucket_start,
        {%- for name, metric, statistic in [
            ('deployments_per_week', 'deployment_frequency', 'rate'),
            ('change_lead_time_hours', 'change_lead_time', 'p50'),
            ('changes_per_week', 'flow_velocity', 'rate'),
            ('change_fail_rate', 'change_fail_rate', 'share'),
            ('recovery_hours', 'failed_deployment_recovery_time', 'p50'),
            ('rework_rate', 'deployment_rework_rate', 'share'),
        ] %}
        {%- set is_told = "metric_key = '" ~ metric ~ "' and statistic = '" ~ statistic ~ "'" %}
        max(case when {{ is_told }} then value end) as {{ name }},
        max(case when {{ is_told }} then lower_bound end) as {{ name }}_lower,
        max(case when {{ is_told }} then upper_bound end) as {{ name }}_upper,
        max(case when {{ is_told }} then status end) as {{ name }}_status,
        {%- endfor %}
        max(as_of) as as_of

    from observations
    where
        metric_key in (
            'deployment_frequency', 'change_lead_time', 'flow_velocity', 'change_fail_rate',
            'failed_deployment_recovery_time', 'deployment_rework_rate'
        )
    group by grain, grain_key, bucket, bucket_start
)

select * from final
