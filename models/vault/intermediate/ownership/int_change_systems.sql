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
    select
        repository,
        coalesce(path_prefix, '') as path_prefix,
        system_key,
        coalesce(valid_from, cast('1900-01-01' as date)) as valid_from,
        coalesce(valid_to, cast('9999-01-01' as date)) as valid_to

    from {{ ref('system_paths') }}
),

non_source_paths as (
    select * from {{ ref('non_source_paths') }}
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

excluded as (
    select distinct touched.path
    from touched
    inner join non_source_paths on touched.path like non_source_paths.path_pattern
),

files as (
    select
        touched.change_key,
        touched.path,
        case when excluded.path is null then 1 else 0 end as is_source

    from touched
    left join excluded on touched.path = excluded.path
),

-- The longest prefix that holds a file names its system.
placed as (
    select
        files.change_key,
        files.path,
        files.is_source,
        system_paths.system_key,
        row_number() over (
            partition by files.change_key, files.path
            order by length(system_paths.path_prefix) desc, system_paths.system_key asc
        ) as preference

    from files
    inner join dated on files.change_key = dated.change_key
    inner join system_paths
        on
            dated.repository = system_paths.repository
            and dated.owned_on >= system_paths.valid_from
            and dated.owned_on < system_paths.valid_to
            and substring(files.path, 1, length(system_paths.path_prefix))
            = system_paths.path_prefix
),

counted as (
    select
        change_key,
        system_key,
        sum(is_source) as source_file_count,
        count(*) as file_count

    from placed
    where preference = 1
    group by change_key, system_key
),

-- One change, one system: where most source files lie; so a monorepo never fans out.
by_files as (
    select
        change_key,
        system_key,
        row_number() over (
            partition by change_key
            order by source_file_count desc, file_count desc, system_key asc
        ) as preference

    from counted
),

final as (
    select
        dated.change_key,
        coalesce(by_files.system_key, system_paths.system_key) as system_key

    from dated
    left join by_files
        on
            dated.change_key = by_files.change_key
            and by_files.preference = 1
    left join system_paths
        on
            dated.repository = system_paths.repository
            and system_paths.path_prefix = ''
            and dated.owned_on >= system_paths.valid_from
            and dated.owned_on < system_paths.valid_to
)

select * from final
