with changes as (
    select * from {{ ref('stg_canonical__changes') }}
),

change_commits as (
    select * from {{ ref('stg_canonical__change_commits') }}
),

commit_files as (
    select * from {{ ref('stg_canonical__commit_files') }}
),

system_paths as (
    select * from {{ ref('int_system_paths') }}
),

source_paths as (
    select * from {{ ref('int_paths') }}
    where kind = 'source'
),

dated as (
    select
        change_key,
        merge_commit_key,
        repository,
        cast(coalesce(merged_at, closed_at, opened_at, first_commit_at) as date) as owned_on

    from changes
),

commits_of_change as (
    select
        change_key,
        commit_key
    from change_commits
    union
    select
        change_key,
        merge_commit_key as commit_key
    from dated
    where merge_commit_key is not null
),

touched as (
    select distinct
        commits_of_change.change_key,
        commit_files.path

    from commits_of_change
    inner join commit_files on commits_of_change.commit_key = commit_files.commit_key
),

files as (
    select
        touched.change_key,
        dated.repository,
        dated.owned_on,
        touched.path,
        case when source_paths.path is not null then 1 else 0 end as is_source

    from touched
    inner join dated on touched.change_key = dated.change_key
    left join source_paths on touched.path = source_paths.path
),

-- One change, one system: where most source files lie; so a monorepo never fans out.
final as (
    {{ system_of_files('files', events='dated', key='change_key') }}
)

select * from final
