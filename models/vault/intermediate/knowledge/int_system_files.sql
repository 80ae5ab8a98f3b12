with living_files as (
    select * from {{ ref('int_living_files') }}
),

source_paths as (
    select * from {{ ref('int_paths') }}
    where kind = 'source'
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

quarters as (
    select
        bucket_start as quarter_start,
        bucket_end as quarter_end

    from {{ ref('int_buckets') }}
    where
        bucket = 'quarter'
        and is_closed
        and is_recent
),

-- The longest prefix that held a file on the quarter's last day names its system.
placed as (
    select
        quarters.quarter_start,
        quarters.quarter_end,
        living_files.repository,
        living_files.path,
        system_paths.system_key,
        row_number() over (
            partition by quarters.quarter_start, living_files.repository, living_files.path
            order by length(system_paths.path_prefix) desc, system_paths.system_key asc
        ) as preference

    from quarters
    inner join living_files
        on
            quarters.quarter_end > living_files.alive_from
            and (living_files.alive_to is null or quarters.quarter_end <= living_files.alive_to)
    inner join source_paths on living_files.path = source_paths.path
    inner join system_paths
        on
            living_files.repository = system_paths.repository
            and quarters.quarter_end > system_paths.valid_from
            and quarters.quarter_end <= system_paths.valid_to
            and substring(living_files.path, 1, length(system_paths.path_prefix))
            = system_paths.path_prefix
),

final as (
    select
        quarter_start,
        quarter_end,
        system_key,
        repository,
        path

    from placed
    where preference = 1
)

select * from final
