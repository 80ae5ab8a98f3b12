with parts as (
    select * from {{ ref('int_deployment_parts') }}
),

final as (
    select distinct
        -- keys
        undone.deployment_key,
        undone.system_key,

        -- timestamps
        undone.finished_at as failed_from,
        remedies.finished_at as remedied_at

    from parts as remedies
    inner join parts as undone
        on
            remedies.undoes_deployment_id = undone.deployment_id
            and remedies.system_key = undone.system_key
    where
        remedies.finished_at >= undone.finished_at
        and remedies.deployment_key != undone.deployment_key
)

select * from final
