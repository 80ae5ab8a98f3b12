with measured as (
    select * from {{ ref('int_delivery_measurements') }}
    union all
    select * from {{ ref('int_build_measurements') }}
    union all
    select * from {{ ref('int_security_measurements') }}
    union all
    select * from {{ ref('int_escaped_measurements') }}
    union all
    select * from {{ ref('int_incident_severities') }}
    union all
    select * from {{ ref('int_provisioning_measurements') }}
    union all
    select * from {{ ref('int_outcome_measurements') }}
),

final as (
    select
        event_key,
        metric_key,
        kind,
        slice,
        slice_value,
        clock,
        system_key,
        team_key,
        value_stream_key,
        amount,
        counted_at

    from measured
)

select * from final
