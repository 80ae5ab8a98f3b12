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

-- How much rests on which evidence, the same for each key of a group and bucket.
evidence as (
    select
        grain,
        grain_key,
        bucket,
        bucket_start,
        {%- for slice_value, column in [
            ('all', 'incident_linked_share'),
            ('explicit', 'incident_linked_share_explicit'),
            ('remediation', 'incident_linked_share_remediation'),
            ('window', 'incident_linked_share_window'),
        ] %}
        max(
            case
                when metric_key = 'incident_linked_share' and slice_value = '{{ slice_value }}'
                    then value
            end
        ) as {{ column }},
        {%- endfor %}
        max(case when metric_key = 'deployment_commit_share' then value end)
            as deployment_commit_share

    from observations
    group by grain, grain_key, bucket, bucket_start
),

nearest as (
    select
        grain,
        grain_key,
        bucket,
        bucket_start,
        metric_key,
        statistic,
        value as value_if_nearest

    from observations
    where slice_value = 'nearest'
),

final as (
    select
        -- grain
        observations.grain,
        observations.grain_key,
        observations.bucket,
        observations.bucket_start,
        observations.metric_key,
        observations.statistic,
        observations.slice_value as link_method,

        -- value
        observations.value,
        observations.lower_bound,
        observations.upper_bound,
        observations.numerator,
        observations.denominator,
        observations.sample_size,

        -- sensitivity
        evidence.deployment_commit_share,
        evidence.incident_linked_share,
        evidence.incident_linked_share_explicit,
        evidence.incident_linked_share_remediation,
        evidence.incident_linked_share_window,
        nearest.value_if_nearest,

        -- status
        observations.status,
        observations.as_of

    from observations
    inner join evidence
        on
            observations.grain = evidence.grain
            and observations.grain_key = evidence.grain_key
            and observations.bucket = evidence.bucket
            and observations.bucket_start = evidence.bucket_start
    left join nearest
        on
            observations.grain = nearest.grain
            and observations.grain_key = nearest.grain_key
            and observations.bucket = nearest.bucket
            and observations.bucket_start = nearest.bucket_start
            and observations.metric_key = nearest.metric_key
            and observations.statistic = nearest.statistic
)

select * from final
