with landed as (
    {{ union_sources(
        'deployments', key=['deployment_id'],
        columns=[
            'repository', 'system', 'environment', 'result', 'commit_sha', 'started_at',
            'finished_at', 'undoes_deployment_id', 'is_hotfix', 'is_rollback',
        ],
    ) }}
),

final as (
    select
        -- keys
        case
            when commit_sha is not null then repository || '@' || commit_sha
        end as commit_key,
        deployment_id,
        repository,
        system as system_key,
        undoes_deployment_id,

        -- properties
        environment,
        result,
        is_hotfix,
        is_rollback,
        source,

        -- timestamps
        started_at,
        finished_at

    from landed
)

select * from final
