with deployments as (
    select * from {{ ref('int_deployments') }}
),

incidents as (
    select * from {{ ref('int_incidents') }}
),

incident_links as (
    select * from {{ ref('int_incident_links') }}
),

deployment_remedies as (
    select * from {{ ref('int_deployment_remedies') }}
),

-- What undoes a deployment tells that it failed, with an incident or without.
remedies as (
    select
        deployment_key,
        min(remedied_at) as remedied_at

    from deployment_remedies
    group by deployment_key
),

linked as (
    select
        incident_links.deployment_key,
        max(case when incident_links.link_method = 'explicit' then 1 else 0 end) as by_explicit,
        max(case when incident_links.link_method = 'remediation' then 1 else 0 end)
            as by_remediation,
        max(case when incident_links.link_method = 'window' then 1 else 0 end) as by_window,
        max(case when incident_links.link_method = 'window_doubled' then 1 else 0 end)
            as by_window_doubled,
        max(case when incident_links.link_method = 'nearest' then 1 else 0 end) as by_nearest,
        min(
            case
                when incident_links.link_method in ('explicit', 'remediation', 'window')
                    then incidents.resolved_at
            end
        ) as resolved_at,
        min(incidents.resolved_at) as resolved_if_nearest_at

    from incident_links
    inner join incidents on incident_links.incident_id = incidents.incident_id
    group by incident_links.deployment_key
),

joined as (
    select
        deployments.*,
        coalesce(linked.by_explicit, 0) = 1 as is_failed_by_explicit,
        coalesce(linked.by_remediation, 0) = 1
        or remedies.deployment_key is not null as is_failed_by_remediation,
        coalesce(linked.by_window, 0) = 1 as is_failed_by_window,
        coalesce(linked.by_window_doubled, 0) = 1 as is_failed_by_window_doubled,
        coalesce(linked.by_nearest, 0) = 1 as is_failed_by_nearest,
        -- Restored when the incident was resolved or the remedy was out, whichever came first.
        {%- for resolved_at, restored_at in [
            ('linked.resolved_at', 'restored_at'),
            ('linked.resolved_if_nearest_at', 'restored_if_nearest_at'),
        ] %}
        case
            when {{ resolved_at }} is null then remedies.remedied_at
            when remedies.remedied_at is null then {{ resolved_at }}
            else least({{ resolved_at }}, remedies.remedied_at)
        end as {{ restored_at }}{% if not loop.last %},{% endif %}
        {%- endfor %}

    from deployments
    left join linked on deployments.deployment_key = linked.deployment_key
    left join remedies on deployments.deployment_key = remedies.deployment_key
),

final as (
    select
        -- keys
        deployment_key,
        system_key,
        team_key,
        value_stream_key,

        -- properties
        is_marked_unplanned,
        is_planning_known,
        has_commits,
        is_failed_by_explicit or is_failed_by_remediation or is_failed_by_window as is_failed,
        is_failed_by_explicit,
        is_failed_by_remediation,
        is_failed_by_window,
        is_failed_by_window_doubled,
        is_failed_by_nearest,

        -- timestamps
        finished_at,
        case
            when
                (is_failed_by_explicit or is_failed_by_remediation or is_failed_by_window)
                and restored_at >= finished_at
                then restored_at
        end as restored_at,
        case when restored_if_nearest_at >= finished_at then restored_if_nearest_at end
            as restored_if_nearest_at

    from joined
)

select * from final
