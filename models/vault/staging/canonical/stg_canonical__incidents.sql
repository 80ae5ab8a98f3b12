with landed as (
    {{ union_sources('incidents', [
        'incident_id', 'system', 'repository', 'environment', 'severity', 'opened_at',
        'resolved_at', 'deployment_id', 'commit_sha',
    ]) }}
),

-- An event that two sources deliver is one event: the source that knows most tells it.
ranked as (
    select
        *,
        row_number() over (
            partition by incident_id order by source_rank
        ) as preference
    from landed
),

final as (
    select
        -- keys
        incident_id,
        system as system_key,
        repository,
        deployment_id,
        case
            when commit_sha is not null then repository || '@' || commit_sha
        end as commit_key,

        -- properties
        environment,
        severity,
        source,

        -- timestamps
        opened_at,
        resolved_at

    from ranked
    where preference = 1
)

select * from final
