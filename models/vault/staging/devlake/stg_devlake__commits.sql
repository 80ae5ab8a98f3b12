with commits as (
    select * from {{ source('devlake', 'commits') }}
),

repo_commits as (
    select * from {{ source('devlake', 'repo_commits') }}
),

pull_request_commits as (
    select * from {{ source('devlake', 'pull_request_commits') }}
),

commit_parents as (
    select * from {{ source('devlake', 'commit_parents') }}
),

repositories as (
    select * from {{ ref('stg_devlake__repositories') }}
),

change_keys as (
    select * from {{ ref('stg_devlake__change_keys') }}
),

-- A commit of a change may be told with the change only.
held as (
    select
        repositories.repository,
        repo_commits.commit_sha,
        cast(null as {{ dbt.type_string() }}) as pull_request_id,
        cast(null as {{ dbt.type_string() }}) as author_key,
        false as author_is_bot,
        cast(null as {{ dbt.type_timestamp() }}) as authored_at

    from repo_commits
    inner join repositories on repo_commits.repo_id = repositories.repo_id
    union all
    select
        change_keys.repository,
        pull_request_commits.commit_sha,
        pull_request_commits.pull_request_id,
        pull_request_commits.commit_author_email_key as author_key,
        pull_request_commits.commit_author_email_is_bot as author_is_bot,
        pull_request_commits.commit_authored_date as authored_at

    from pull_request_commits
    inner join change_keys on pull_request_commits.pull_request_id = change_keys.pull_request_id
),

ranked as (
    select
        *,
        row_number() over (
            partition by repository, commit_sha
            order by authored_at nulls last, pull_request_id nulls last
        ) as preference

    from held
),

parents as (
    select
        commit_sha,
        count(*) as parent_count

    from commit_parents
    group by commit_sha
),

final as (
    select
        -- keys
        ranked.repository,
        ranked.commit_sha,
        commits.reverts_commit_sha,

        -- person data
        coalesce(
            commits.author_email_key, commits.author_id_key, ranked.author_key
        ) as author_key,
        case
            when commits.author_email_key is not null then commits.author_email_is_bot
            when commits.author_id_key is not null then commits.author_id_is_bot
            else ranked.author_is_bot
        end as author_is_bot,

        -- properties
        parents.parent_count,
        cast(null as {{ dbt.type_boolean() }}) as is_mainline,
        coalesce(commits.is_assisted, false) as is_assisted,
        coalesce(commits.is_revert, false) as is_revert,

        -- timestamps
        coalesce(commits.authored_date, ranked.authored_at) as authored_at,
        commits.committed_date as committed_at

    from ranked
    left join commits on ranked.commit_sha = commits.sha
    left join parents on ranked.commit_sha = parents.commit_sha
    where ranked.preference = 1
)

select * from final
