with reports as (
    select * from {{ ref('stg_canonical__coverage_reports') }}
    where
        total_lines > 0
        and covered_lines between 0 and total_lines
),

systems as (
    select * from {{ ref('systems') }}
),

system_paths as (
    select * from {{ ref('int_system_paths') }}
),

buckets as (
    select * from {{ ref('int_buckets') }}
    where is_closed
),

system_owners as (
    select * from {{ ref('int_system_owners') }}
),

placed as (
    {{ placed_in_system('reports', at='measured_at') }}
),

-- The last report of a week speaks for it.
ranked as (
    select
        placed_system_key as system_key,
        cast({{ dbt.date_trunc('week', 'measured_at') }} as date) as week_start,
        covered_lines,
        total_lines,
        row_number() over (
            partition by
                placed_system_key, cast({{ dbt.date_trunc('week', 'measured_at') }} as date)
            order by measured_at desc, report_id desc
        ) as place

    from placed
    where placed_system_key != 'unassigned'
),

final as (
    select
        ranked.system_key,
        coalesce(system_owners.team_key, 'unassigned') as team_key,
        coalesce(system_owners.value_stream_key, 'unassigned') as value_stream_key,
        buckets.bucket,
        buckets.bucket_start,
        ranked.week_start,
        ranked.covered_lines,
        ranked.total_lines,
        row_number() over (
            partition by ranked.system_key, buckets.bucket, buckets.bucket_start
            order by ranked.week_start desc
        ) = 1 as is_latest

    from ranked
    inner join buckets
        on
            ranked.week_start < buckets.bucket_end
            and ranked.week_start
            >= cast({{ dbt.dateadd('week', -13, 'buckets.bucket_end') }} as date)
    left join system_owners
        on
            ranked.system_key = system_owners.system_key
            and buckets.bucket_end > system_owners.valid_from
            and buckets.bucket_end <= system_owners.valid_to
    where ranked.place = 1
)

select * from final
