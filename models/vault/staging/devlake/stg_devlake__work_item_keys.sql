with issues as (
    select * from {{ source('devlake', 'issues') }}
),

incidents as (
    select * from {{ source('devlake', 'incidents') }}
),

items as (
    select
        id,
        issue_key,
        instance

    from issues
    union
    select
        incidents.id,
        incidents.incident_key as issue_key,
        incidents.instance

    from incidents
    where incidents.id not in (select issues.id from issues)
),

final as (
    select
        -- keys
        id as issue_id,
        case
            -- A key like PAY-12 is what everybody calls the item.
            when issue_key like '%-%' then issue_key
            -- A bare number is unique in its repository only, an id in the host that gave it.
            else coalesce(instance || ':', '') || {{ without_connection('id') }}
        end as work_item_id

    from items
)

select * from final
