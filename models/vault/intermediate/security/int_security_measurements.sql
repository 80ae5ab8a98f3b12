with findings as (
    select * from {{ ref('int_findings') }}
    where remediated_at is not null
),

system_owners as (
    select * from {{ ref('int_system_owners') }}
),

-- A remedy belongs to who owned the system when it came.
owned as (
    select
        findings.*,
        coalesce(system_owners.team_key, 'unassigned') as team_key,
        coalesce(system_owners.value_stream_key, 'unassigned') as value_stream_key

    from findings
    left join system_owners
        on
            findings.system_key = system_owners.system_key
            and cast(findings.remediated_at as date) >= system_owners.valid_from
            and cast(findings.remediated_at as date) < system_owners.valid_to
),

final as (
    {%- for slice, slice_value in [('all', "'all'"), ('severity', 'severity')] %}
    select
        finding_id as event_key,
        'vulnerability_remediation_time' as metric_key,
        'quantile' as kind,
        '{{ slice }}' as slice,
        {{ slice_value }} as slice_value,
        'wall' as clock,
        system_key,
        team_key,
        value_stream_key,
        {{ seconds_between('opened_at', 'remediated_at') }} as amount,
        remediated_at as counted_at

    from owned
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
)

select * from final
