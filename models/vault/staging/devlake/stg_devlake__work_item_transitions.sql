with issues as (
    select * from {{ source('devlake', 'issues') }}
),

changelogs as (
    select * from {{ source('devlake', 'issue_changelogs') }}
),

histories as (
    select * from {{ source('devlake', 'issue_status_history') }}
),

work_item_keys as (
    select * from {{ ref('stg_devlake__work_item_keys') }}
),

first_changes as (
    select
        issue_id,
        original_from_value,
        row_number() over (partition by issue_id order by created_date, id) as place

    from changelogs
),

-- An item is created in the status that its first change leaves; without one, in its own.
created as (
    select
        issues.id as issue_id,
        case
            when first_changes.issue_id is null then issues.original_status
            else coalesce(first_changes.original_from_value, 'unknown')
        end as status,
        issues.created_date as changed_at

    from issues
    left join first_changes
        on
            issues.id = first_changes.issue_id
            and first_changes.place = 1
    where issues.id not in (select histories.issue_id from histories)
),

taken as (
    select
        issue_id,
        status,
        changed_at

    from created
    union all
    select
        issue_id,
        original_to_value as status,
        created_date as changed_at

    from changelogs
    where issue_id not in (select histories.issue_id from histories)
    union all
    -- Where DevLake tells the intervals itself, they are taken as they are.
    select
        issue_id,
        original_status as status,
        start_date as changed_at

    from histories
),

final as (
    select distinct
        -- keys
        work_item_keys.work_item_id,

        -- properties
        taken.status,

        -- timestamps
        taken.changed_at

    from taken
    inner join work_item_keys on taken.issue_id = work_item_keys.issue_id
    where taken.status is not null
)

select * from final
