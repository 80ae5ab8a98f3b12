with project_mapping as (
    select * from {{ source('devlake', 'project_mapping') }}
),

repositories as (
    select * from {{ ref('stg_devlake__repositories') }}
),

-- A project ties boards to repositories; on some hosts a repository is its own board.
final as (
    select
        boards.row_id as scope_id,
        repositories.repository

    from project_mapping as boards
    inner join project_mapping as repos on boards.project_name = repos.project_name
    inner join repositories on repos.row_id = repositories.repo_id
    where
        boards.mapped_table = 'boards'
        and repos.mapped_table = 'repos'
    union
    select
        repo_id as scope_id,
        repository

    from repositories
)

select * from final
