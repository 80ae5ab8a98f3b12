with mentions as (
    select * from {{ source('devlake', 'pull_request_mentions') }}
),

links as (
    select * from {{ source('devlake', 'pull_request_issues') }}
),

change_keys as (
    select * from {{ ref('stg_devlake__change_keys') }}
),

work_item_keys as (
    select * from {{ ref('stg_devlake__work_item_keys') }}
),

named as (
    select
        links.pull_request_id,
        work_item_keys.work_item_id

    from links
    inner join work_item_keys on links.issue_id = work_item_keys.issue_id
    union all
    select
        pull_request_id,
        work_item_id

    from mentions
),

final as (
    select distinct
        -- keys
        change_keys.repository,
        change_keys.change_id,
        named.work_item_id

    from named
    inner join change_keys on named.pull_request_id = change_keys.pull_request_id
)

select * from final
