with living_files as (
    select * from {{ ref('int_living_files') }}
),

source_paths as (
    select * from {{ ref('int_paths') }}
    where kind = 'source'
),

system_paths as (
    select * from {{ ref('int_system_paths') }}
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

files as (
    select
        quarters.quarter_start,
        quarters.quarter_end,
        cast({{ dbt.dateadd('day', -1, 'quarters.quarter_end') }} as date) as owned_on,
        living_files.repository,
        living_files.path

    from quarters
    inner join living_files
        on
            quarters.quarter_end > living_files.alive_from
            and (living_files.alive_to is null or quarters.quarter_end <= living_files.alive_to)
    inner join source_paths on living_files.path = source_paths.path
),

-- Where a file lay on the quarter's last day.
placed as (
    {{ placed_files('files', keys=['quarter_start', 'repository']) }}
),

final as (
    select
        quarter_start,
        quarter_end,
        system_key,
        repository,
        path

    from placed
)

select * from final
