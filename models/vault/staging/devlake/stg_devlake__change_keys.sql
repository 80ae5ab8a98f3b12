with pull_requests as (
    select * from {{ source('devlake', 'pull_requests') }}
),

repositories as (
    select * from {{ ref('stg_devlake__repositories') }}
),

-- The same pull request has another id in each connection, and one number in its repository.
final as (
    select
        -- keys
        pull_requests.id as pull_request_id,
        coalesce(
            repositories.repository, {{ without_connection('pull_requests.base_repo_id') }}
        ) as repository,
        coalesce(
            nullif(pull_requests.pull_request_key, '0'),
            {{ without_connection('pull_requests.id') }}
        ) as change_id

    from pull_requests
    left join repositories on pull_requests.base_repo_id = repositories.repo_id
)

select * from final
