with observations as (
    select * from {{ ref('floor_observations') }}
    where
        metric_key in ('flow_efficiency', 'wait_share')
        and slice in ('all', 'stage', 'integration')
),

final as (
    select
        -- grain
        grain,
        grain_key,
        bucket,
        bucket_start,

        -- value: efficiency and the waits of four stages are 1; CI's is of changes with known CI
        max(case when metric_key = 'flow_efficiency' then value end) as flow_efficiency,
        max(case when metric_key = 'flow_efficiency' then lower_bound end) as flow_efficiency_lower,
        max(case when metric_key = 'flow_efficiency' then upper_bound end) as flow_efficiency_upper,
        max(case when metric_key = 'wait_share' and slice_value = 'dev' then value end)
            as dev_wait_share,
        max(case when metric_key = 'wait_share' and slice_value = 'review' then value end)
            as review_wait_share,
        max(case when metric_key = 'wait_share' and slice_value = 'integration' then value end)
            as integration_wait_share,
        max(case when metric_key = 'wait_share' and slice_value = 'ci' then value end)
            as ci_wait_share,
        max(case when metric_key = 'wait_share' and slice_value = 'deploy' then value end)
            as deploy_wait_share,
        max(case when metric_key = 'flow_efficiency' then sample_size end) as sample_size,
        max(case when metric_key = 'flow_efficiency' then status end) as status,
        max(as_of) as as_of

    from observations
    group by grain, grain_key, bucket, bucket_start
)

select * from final
