with commits as (
    select * from {{ source('devlake', 'pull_request_commits') }}
),

change_keys as (
    select * from {{ ref('stg_devlake__change_keys') }}
),

final as (
    select distinct
        -- keys
        change_keys.repository,
        change_keys.change_id,
        commits.commit_sha

    from commits
    inner join change_keys on commits.pull_request_id = change_keys.pull_request_id
)

select * from final
