with requests as (
    select * from {{ ref('stg_canonical__work_items') }}
    where
        is_customer_request
        and resolved_at is not null
),

change_work_items as (
    select * from {{ ref('stg_canonical__change_work_items') }}
),

lives as (
    select * from {{ ref('int_change_lives') }}
    where merged_at is not null
),

-- A request is delivered by the last of its changes, when all of them are in production.
delivering as (
    select
        requests.work_item_id,
        requests.created_at as requested_at,
        lives.change_key,
        lives.deployed_at,
        row_number() over (
            partition by requests.work_item_id
            order by lives.deployed_at desc, lives.change_key asc
        ) as place,
        sum(case when lives.deployed_at is null then 1 else 0 end) over (
            partition by requests.work_item_id
        ) as undeployed_count

    from requests
    inner join change_work_items on requests.work_item_id = change_work_items.work_item_id
    inner join lives on change_work_items.change_key = lives.change_key
),

-- A request that was written down after its delivery says nothing of how long it took.
final as (
    select
        change_key,
        deployed_at,
        min(requested_at) as requested_at

    from delivering
    where
        place = 1
        and undeployed_count = 0
        and requested_at <= deployed_at
    group by change_key, deployed_at
)

select * from final
