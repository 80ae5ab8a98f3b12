with observations as (
    select * from {{ ref('floor_observations') }}
    where
        metric_key in (
            'deployment_frequency', 'deployment_days', 'change_lead_time', 'change_fail_rate',
            'failed_deployment_recovery_time', 'deployment_rework_rate',
            'deployment_commit_share', 'incident_linked_share'
        )
        and slice in ('all', 'link_method')
),

final as (
    select
        -- grain
        grain,
        grain_key,
        bucket,
        bucket_start,
        metric_key,
        statistic,
        case when slice = 'all' then 'all' else slice_value end as link_method,

        -- value
        value,
        lower_bound,
        upper_bound,
        numerator,
        denominator,
        sample_size,
        status,
        as_of

    from observations
)

select * from final
