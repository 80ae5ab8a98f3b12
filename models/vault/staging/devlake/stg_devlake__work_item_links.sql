with relationships as (
    select * from {{ source('devlake', 'issue_relationships') }}
),

work_item_keys as (
    select * from {{ ref('stg_devlake__work_item_keys') }}
),

named as (
    select
        sources.work_item_id as source_item_id,
        targets.work_item_id as target_item_id,
        lower(relationships.original_type) = 'blocks' as is_blocking

    from relationships
    inner join work_item_keys as sources on relationships.source_issue_id = sources.issue_id
    inner join work_item_keys as targets on relationships.target_issue_id = targets.issue_id
),

-- DevLake tells a link from both of its ends, and by each connection.
directed as (
    select distinct
        case when is_blocking then target_item_id else source_item_id end as work_item_id,
        case when is_blocking then source_item_id else target_item_id end as other_work_item_id

    from named
),

final as (
    select
        -- keys
        work_item_id || ' is blocked by ' || other_work_item_id as link_id,
        work_item_id,
        'is_blocked_by' as kind,
        other_work_item_id,

        -- timestamps
        cast(null as {{ dbt.type_timestamp() }}) as linked_at,
        cast(null as {{ dbt.type_timestamp() }}) as unlinked_at

    from directed
)

select * from final
