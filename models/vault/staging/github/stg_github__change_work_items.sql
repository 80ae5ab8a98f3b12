with mentions as (
    select * from {{ source('github', 'pull_request_mentions') }}
),

final as (
    select
        -- keys
        repository,
        number as change_id,
        work_item_id

    from mentions
)

select * from final
