with issues as (
    select * from {{ source('devlake', 'issues') }}
    -- An epic is an initiative (stg_devlake__initiatives), and what it consists of is the work.
    where upper(type) != 'EPIC' or type is null
),

work_item_keys as (
    select * from {{ ref('stg_devlake__work_item_keys') }}
),

ranked as (
    select
        issues.*,
        work_item_keys.work_item_id,
        row_number() over (
            partition by work_item_keys.work_item_id
            order by issues.updated_at desc nulls last, issues.id asc
        ) as preference

    from issues
    inner join work_item_keys on issues.id = work_item_keys.issue_id
),

final as (
    select
        -- keys
        work_item_id,
        nullif(component, '') as system,
        cast(null as {{ dbt.type_string() }}) as repository,
        nullif(epic_key, '') as initiative,

        -- properties
        case upper(type)
            when 'REQUIREMENT' then 'feature'
            when 'BUG' then 'defect'
            when 'INCIDENT' then 'unplanned'
        end as work_type,
        states_outcome,
        -- DevLake says neither where a defect was found nor who asked for an item.
        cast(null as {{ dbt.type_string() }}) as found_in,
        cast(null as boolean) as is_customer_request,

        -- timestamps
        created_date as created_at,
        resolution_date as resolved_at

    from ranked
    where preference = 1
)

select * from final
