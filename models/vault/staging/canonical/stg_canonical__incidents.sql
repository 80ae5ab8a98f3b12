with landed as (
    {{ union_sources(
        'incidents', key=['incident_id'],
        columns=[
            'system', 'repository', 'environment', 'severity', 'opened_at', 'resolved_at',
            'deployment_id', 'commit_sha',
        ],
    ) }}
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
        commit_sha,

        -- properties
        environment,
        severity,
        source,

        -- timestamps
        opened_at,
        resolved_at

    from landed
)

select * from final
