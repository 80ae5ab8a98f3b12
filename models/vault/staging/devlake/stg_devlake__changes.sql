with pull_requests as (
    select * from {{ source('devlake', 'pull_requests') }}
),

labels as (
    select * from {{ source('devlake', 'pull_request_labels') }}
),

change_keys as (
    select * from {{ ref('stg_devlake__change_keys') }}
),

hotfix_labels as (
    select distinct pull_request_id from labels
    where is_hotfix
),

ranked as (
    select
        pull_requests.*,
        change_keys.repository,
        change_keys.change_id,
        hotfix_labels.pull_request_id is not null as has_hotfix_label,
        row_number() over (
            partition by change_keys.repository, change_keys.change_id
            order by pull_requests.updated_at desc nulls last, pull_requests.id asc
        ) as preference

    from pull_requests
    inner join change_keys on pull_requests.id = change_keys.pull_request_id
    left join hotfix_labels on pull_requests.id = hotfix_labels.pull_request_id
),

final as (
    select
        -- keys
        repository,
        change_id,
        merge_commit_sha as merge_commit,
        reverts_change_id,

        -- person data
        author_id_key as author_key,
        author_id_is_bot as author_is_bot,

        -- properties
        is_hotfix or has_hotfix_label as is_hotfix,
        is_assisted,

        -- timestamps
        created_date as opened_at,
        merged_date as merged_at,
        coalesce(closed_date, merged_date) as closed_at,
        cast(null as {{ dbt.type_timestamp() }}) as first_commit_at

    from ranked
    where preference = 1
)

select * from final
