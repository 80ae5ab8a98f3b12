with paths as (
    select distinct path from {{ ref('stg_canonical__commit_files') }}
),

non_source_paths as (
    select * from {{ ref('non_source_paths') }}
),

excluded as (
    select distinct paths.path
    from paths
    inner join non_source_paths on paths.path like non_source_paths.path_pattern
),

final as (
    select paths.path
    from paths
    left join excluded on paths.path = excluded.path
    where excluded.path is null
)

select * from final
