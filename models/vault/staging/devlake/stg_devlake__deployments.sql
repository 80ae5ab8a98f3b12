with records as (
    select * from {{ ref('stg_devlake__deployment_records') }}
),

final as (
    select
        -- keys
        deployment_id,
        repository,
        cast(null as {{ dbt.type_string() }}) as system,
        commit_sha,
        cast(null as {{ dbt.type_string() }}) as undoes_deployment_id,

        -- properties
        environment,
        result,
        is_hotfix,
        is_rollback,

        -- timestamps
        started_at,
        finished_at

    from records
    where is_preferred
)

select * from final
