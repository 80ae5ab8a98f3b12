with outcomes as (
    select * from {{ ref('int_deployment_outcomes') }}
),

incidents as (
    select * from {{ ref('int_incidents') }}
),

incident_links as (
    select * from {{ ref('int_incident_links') }}
),

shares as (
    {%- for metric, slice, slice_value, condition in [
        ('change_fail_rate', 'all', 'all', 'is_failed'),
        ('change_fail_rate', 'link_method', 'explicit', 'is_failed_by_explicit'),
        ('change_fail_rate', 'link_method', 'remediation', 'is_failed_by_remediation'),
        ('change_fail_rate', 'link_method', 'window', 'is_failed_by_window'),
        (
            'change_fail_rate', 'link_method', 'window_doubled',
            'is_failed or is_failed_by_window_doubled'
        ),
        (
            'change_fail_rate', 'link_method', 'nearest',
            'is_failed or is_failed_by_window_doubled or is_failed_by_nearest'
        ),
        ('deployment_commit_share', 'all', 'all', 'has_commits'),
        ('deployment_rework_rate', 'all', 'all', 'is_marked_unplanned'),
    ] %}
    select
        deployment_key as event_key,
        '{{ metric }}' as metric_key,
        '{{ slice }}' as slice,
        '{{ slice_value }}' as slice_value,
        system_key,
        team_key,
        value_stream_key,
        case when {{ condition }} then 1 else 0 end as amount,
        finished_at as counted_at

    from outcomes
    {%- if metric == 'deployment_rework_rate' %}
    -- Of a source that marks nothing there is no rate, not one of 0.
    where is_planning_known
    {%- endif %}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

linked_shares as (
    {%- for slice, slice_value, methods in [
        ('all', 'all', "'explicit', 'remediation', 'window'"),
        ('link_method', 'explicit', "'explicit'"),
        ('link_method', 'remediation', "'remediation'"),
        ('link_method', 'window', "'window'"),
    ] %}
    select
        incidents.incident_id as event_key,
        'incident_linked_share' as metric_key,
        '{{ slice }}' as slice,
        '{{ slice_value }}' as slice_value,
        incidents.system_key,
        incidents.team_key,
        incidents.value_stream_key,
        case when incident_links.link_method in ({{ methods }}) then 1 else 0 end as amount,
        incidents.opened_at as counted_at

    from incidents
    left join incident_links on incidents.incident_id = incident_links.incident_id
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

all_shares as (
    select * from shares
    union all
    select * from linked_shares
),

final as (
    select
        event_key,
        metric_key,
        'share' as kind,
        slice,
        slice_value,
        'none' as clock,
        system_key,
        team_key,
        value_stream_key,
        cast(amount as bigint) as amount,
        counted_at

    from all_shares
    union all
    select
        deployment_key as event_key,
        'deployment_frequency' as metric_key,
        'count' as kind,
        'all' as slice,
        'all' as slice_value,
        'none' as clock,
        system_key,
        team_key,
        value_stream_key,
        cast(1 as bigint) as amount,
        finished_at as counted_at

    from outcomes
    union all
    select
        incident_id as event_key,
        'incident_rate' as metric_key,
        'count' as kind,
        'all' as slice,
        'all' as slice_value,
        'none' as clock,
        system_key,
        team_key,
        value_stream_key,
        cast(1 as bigint) as amount,
        opened_at as counted_at

    from incidents
    {%- for slice, slice_value, restored_at in [
        ('all', 'all', 'restored_at'),
        ('link_method', 'nearest', 'restored_if_nearest_at'),
    ] %}
    union all
    select
        deployment_key as event_key,
        'failed_deployment_recovery_time' as metric_key,
        'quantile' as kind,
        '{{ slice }}' as slice,
        '{{ slice_value }}' as slice_value,
        'wall' as clock,
        system_key,
        team_key,
        value_stream_key,
        cast({{ seconds_between('finished_at', restored_at) }} as bigint) as amount,
        finished_at as counted_at

    from outcomes
    where {{ restored_at }} is not null
    {%- endfor %}
)

select * from final
