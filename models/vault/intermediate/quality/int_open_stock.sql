with findings as (
    select * from {{ ref('int_findings') }}
),

defects as (
    select * from {{ ref('int_defects') }}
),

security_policy as (
    select * from {{ ref('security_policy') }}
),

weeks as (
    select * from {{ ref('int_weeks') }}
),

system_owners as (
    select * from {{ ref('int_system_owners') }}
),

spans as (
    select
        'finding' as stock,
        findings.finding_id as event_key,
        findings.system_key,
        findings.severity,
        security_policy.policy_days,
        findings.opened_at,
        findings.remediated_at as ended_at

    from findings
    left join security_policy on findings.severity = security_policy.severity
    union all
    select
        'defect' as stock,
        work_item_id as event_key,
        system_key,
        cast(null as {{ dbt.type_string() }}) as severity,
        cast(null as integer) as policy_days,
        opened_at,
        resolved_at as ended_at

    from defects
),

open_at_end as (
    select
        spans.*,
        weeks.bucket,
        weeks.bucket_start,
        weeks.bucket_end,
        {{ seconds_between('spans.opened_at', 'cast(weeks.bucket_end as timestamp)') }}
            as age_seconds

    from spans
    inner join weeks
        on
            spans.opened_at < weeks.bucket_end
            and (spans.ended_at is null or spans.ended_at >= weeks.bucket_end)
            and weeks.week_end = weeks.bucket_end
),

final as (
    select
        open_at_end.stock,
        open_at_end.event_key,
        open_at_end.severity,
        open_at_end.system_key,
        coalesce(system_owners.team_key, 'unassigned') as team_key,
        coalesce(system_owners.value_stream_key, 'unassigned') as value_stream_key,
        open_at_end.bucket,
        open_at_end.bucket_start,
        open_at_end.age_seconds,
        open_at_end.age_seconds > open_at_end.policy_days * 86400 as is_overdue

    from open_at_end
    -- What is open belongs to who owns its system at the bucket's end.
    left join system_owners
        on
            open_at_end.system_key = system_owners.system_key
            and open_at_end.bucket_end > system_owners.valid_from
            and open_at_end.bucket_end <= system_owners.valid_to
)

select * from final
