with epics as (
    select * from {{ source('devlake', 'issues') }}
    where upper(type) = 'EPIC'
),

work_item_keys as (
    select * from {{ ref('stg_devlake__work_item_keys') }}
),

ranked as (
    select
        epics.*,
        work_item_keys.work_item_id,
        row_number() over (
            partition by work_item_keys.work_item_id
            order by epics.updated_at desc nulls last, epics.id asc
        ) as preference

    from epics
    inner join work_item_keys on epics.id = work_item_keys.issue_id
),

-- DevLake tells of no value stream, key result or effect.
final as (
    select
        -- keys
        work_item_id as initiative_id,
        cast(null as {{ dbt.type_string() }}) as value_stream,
        cast(null as {{ dbt.type_string() }}) as key_result,

        -- measures
        cast(null as {{ type_double() }}) as anticipated_effect,
        cast(null as {{ type_double() }}) as actual_effect,

        -- properties
        states_outcome,

        -- timestamps
        created_date as created_at,
        resolution_date as delivered_at

    from ranked
    where preference = 1
)

select * from final
