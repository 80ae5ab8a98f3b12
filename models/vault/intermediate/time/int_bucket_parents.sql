with buckets as (
    select * from {{ ref('int_buckets') }}
    where is_closed
),

-- Every closed bucket and the next larger one that holds it, closed or not.
all_buckets as (
    select * from {{ ref('int_buckets') }}
),

parents as (
    select
        buckets.bucket,
        buckets.bucket_start,
        buckets.bucket_end,
        coalesce(larger.bucket, 'none') as parent_bucket,
        coalesce(larger.bucket_start, buckets.bucket_start) as parent_bucket_start

    from buckets
    left join all_buckets as larger
        on
            buckets.bucket_start >= larger.bucket_start
            and buckets.bucket_start < larger.bucket_end
            and (
                (buckets.bucket = 'week' and larger.bucket = 'period')
                or (buckets.bucket = 'period' and larger.bucket = 'quarter')
            )
),

final as (
    select
        bucket,
        bucket_start,
        bucket_end,
        parent_bucket,
        parent_bucket_start,
        count(*) over (partition by bucket, parent_bucket_start) as sibling_count

    from parents
)

select * from final
