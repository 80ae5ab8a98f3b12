with landed as (
    {{ union_sources('deployments', [
        'deployment_id', 'repository', 'system', 'environment', 'result', 'commit_sha',
        'started_at', 'finished_at', 'undoes_deployment_id', 'is_hotfix', 'is_rollback',
    ]) }}
),

-- An event that two sources deliver is one event: the source that knows most tells it.
ranked as (
    select
        *,
        row_number() over (
            partition by deployment_id order by source_rank
        ) as preference
    from landed
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

    from ranked
    where preference = 1
)

select * from final
