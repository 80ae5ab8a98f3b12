with system_paths as (
    select * from {{ ref('system_paths') }}
),

final as (
    select
        repository,
        coalesce(path_prefix, '') as path_prefix,
        system_key,
        coalesce(valid_from, cast('1900-01-01' as date)) as valid_from,
        coalesce(valid_to, cast('9999-01-01' as date)) as valid_to

    from system_paths
)

select * from final
