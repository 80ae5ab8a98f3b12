with incidents as (
    select * from {{ ref('int_incidents') }}
),

severities as (
    select * from {{ ref('severities') }}
),

mapped as (
    select
        incidents.*,
        coalesce(severities.severity, 'unknown') as mapped_severity

    from incidents
    left join severities on lower(incidents.severity) = severities.severity_word
),

-- Every incident is of one severity and not of the others: the shares add up to 1.
final as (
    {%- for severity in ['critical', 'high', 'medium', 'low', 'unknown'] %}
    select
        incident_id as event_key,
        'incident_severity_mix' as metric_key,
        'share' as kind,
        'severity' as slice,
        '{{ severity }}' as slice_value,
        'none' as clock,
        system_key,
        team_key,
        value_stream_key,
        cast(case when mapped_severity = '{{ severity }}' then 1 else 0 end as bigint) as amount,
        opened_at as counted_at

    from mapped
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
)

select * from final
