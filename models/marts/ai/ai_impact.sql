with observations as (
    select * from {{ ref('floor_observations') }}
    where
        metric_key in (
            'ai_adoption', 'ai_assisted_share', 'stage_wait', 'time_to_first_review',
            'reopened_rate', 'change_fail_rate', 'escaped_defects'
        )
        and slice in ('all', 'stage', 'assistance')
),

-- How much is assisted, and what it does to review and rework: in one row always.
final as (
    select
        grain,
        grain_key,
        bucket,
        bucket_start,
        {%- for name, metric, slice_value, statistic, clock in [
            ('adoption', 'ai_adoption', 'all', 'share', 'none'),
            ('assisted_share', 'ai_assisted_share', 'all', 'share', 'none'),
            ('review_wait_hours', 'stage_wait', 'review', 'p50', 'working'),
            ('assisted_first_review_hours', 'time_to_first_review', 'assisted', 'p50', 'working'),
            ('other_first_review_hours', 'time_to_first_review', 'unassisted', 'p50', 'working'),
            ('rework_rate', 'reopened_rate', 'all', 'share', 'none'),
            ('assisted_rework_rate', 'reopened_rate', 'assisted', 'share', 'none'),
            ('other_rework_rate', 'reopened_rate', 'unassisted', 'share', 'none'),
            ('change_fail_rate', 'change_fail_rate', 'all', 'share', 'none'),
            ('escaped_defects', 'escaped_defects', 'all', 'rate', 'none'),
        ] %}
        {%- set series = "'" ~ metric ~ "' and slice_value = '" ~ slice_value ~ "'" %}
        {%- set cut = "'" ~ statistic ~ "' and clock = '" ~ clock ~ "'" %}
        {%- set is_told = "metric_key = " ~ series ~ " and statistic = " ~ cut %}
        max(case when {{ is_told }} then value end) as {{ name }},
        max(case when {{ is_told }} then lower_bound end) as {{ name }}_lower,
        max(case when {{ is_told }} then upper_bound end) as {{ name }}_upper,
        max(case when {{ is_told }} then status end) as {{ name }}_status,
        {%- endfor %}
        max(as_of) as as_of

    from observations
    group by grain, grain_key, bucket, bucket_start
)

select * from final
