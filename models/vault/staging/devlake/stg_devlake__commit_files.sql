with commit_files as (
    select * from {{ source('devlake', 'commit_files') }}
),

repo_commits as (
    select * from {{ source('devlake', 'repo_commits') }}
),

repositories as (
    select * from {{ ref('stg_devlake__repositories') }}
),

-- Whoever reads the files of a repository tells its commits too. Two connections tell both twice.
held as (
    select distinct
        repositories.repository,
        repo_commits.commit_sha

    from repo_commits
    inner join repositories on repo_commits.repo_id = repositories.repo_id
),

final as (
    select
        -- keys
        held.repository,
        held.commit_sha,
        commit_files.file_path as path,

        -- properties
        cast(null as {{ dbt.type_string() }}) as previous_path,
        cast(null as {{ dbt.type_string() }}) as change_type,

        -- measures
        commit_files.additions,
        commit_files.deletions

    from commit_files
    inner join held on commit_files.commit_sha = held.commit_sha
)

select * from final
