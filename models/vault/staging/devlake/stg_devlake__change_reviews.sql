with comments as (
    select * from {{ source('devlake', 'pull_request_comments') }}
),

change_keys as (
    select * from {{ ref('stg_devlake__change_keys') }}
),

ranked as (
    select
        comments.*,
        change_keys.repository,
        change_keys.change_id,
        {{ without_connection('comments.id') }} as review_id,
        row_number() over (
            partition by
                change_keys.repository,
                change_keys.change_id,
                {{ without_connection('comments.id') }}
            order by comments.updated_at desc nulls last, comments.id asc
        ) as preference

    from comments
    inner join change_keys on comments.pull_request_id = change_keys.pull_request_id
),

final as (
    select
        -- keys
        repository,
        change_id,
        review_id,

        -- person data
        account_id_key as reviewer_key,
        account_id_is_bot as reviewer_is_bot,

        -- properties
        case upper(status)
            when 'APPROVED' then 'approved'
            when 'CHANGES_REQUESTED' then 'changes_requested'
            when 'DISMISSED' then 'dismissed'
            else 'commented'
        end as kind,

        -- timestamps
        created_date as submitted_at

    from ranked
    where preference = 1
)

select * from final
