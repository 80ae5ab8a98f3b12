with buckets as (
    select * from {{ ref('int_buckets') }}
),

final as (
    select
        weeks.bucket_start as week_start,
        weeks.bucket_end as week_end,
        buckets.bucket,
        buckets.bucket_start,
        buckets.bucket_end

    from buckets as weeks
    inner join buckets
        on
            weeks.bucket_start >= buckets.bucket_start
            and weeks.bucket_start < buckets.bucket_end
    where
        weeks.bucket = 'week'
        and buckets.is_closed
)

select * from final
