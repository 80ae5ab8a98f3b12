with paths as (
    select distinct path from {{ ref('stg_canonical__commit_files') }}
),

non_source_paths as (
    select * from {{ ref('non_source_paths') }}
),

-- A vendored document is nobody's writing here: what is no documentation comes first.
excluded as (
    select
        paths.path,
        coalesce(
            min(
                case
                    when non_source_paths.reason != 'documentation' then non_source_paths.reason
                end
            ),
            'documentation'
        ) as kind

    from paths
    inner join non_source_paths on paths.path like non_source_paths.path_pattern
    group by paths.path
),

final as (
    select
        paths.path,
        coalesce(excluded.kind, 'source') as kind

    from paths
    left join excluded on paths.path = excluded.path
)

select * from final
