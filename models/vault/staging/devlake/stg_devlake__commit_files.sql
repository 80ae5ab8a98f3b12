with commit_files as (
    select * from {{ source('devlake', 'commit_files') }}
),

commits as (
    select * from {{ ref('stg_devlake__commits') }}
),

final as (
    select
        -- keys
        commits.repository,
        commits.commit_sha,
        commit_files.file_path as path,

        -- properties
        cast(null as {{ dbt.type_string() }}) as previous_path,
        cast(null as {{ dbt.type_string() }}) as change_type,

        -- measures
        commit_files.additions,
        commit_files.deletions

    from commit_files
    inner join commits on commit_files.commit_sha = commits.commit_sha
)

select * from final
