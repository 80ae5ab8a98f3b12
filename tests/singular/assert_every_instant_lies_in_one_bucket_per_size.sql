{{ config(group='vault') }}
-- Buckets of a size follow each other without gap or overlap, begin on Mondays and nest: a period
-- holds whole weeks, a quarter whole periods.
with buckets as (
    select * from {{ ref('int_buckets') }}
),

following as (
    select
        *,
        lead(bucket_start) over (partition by bucket order by bucket_start) as next_start,
        {{ seconds_between('cast(bucket_start as timestamp)', 'cast(bucket_end as timestamp)') }}
            as lasting_seconds

    from buckets
),

larger as (
    select
        inner_bucket.bucket,
        inner_bucket.bucket_start,
        count(outer_bucket.bucket_start) as holder_count

    from buckets as inner_bucket
    left join buckets as outer_bucket
        on
            inner_bucket.bucket_start >= outer_bucket.bucket_start
            and inner_bucket.bucket_end <= outer_bucket.bucket_end
            and (
                (inner_bucket.bucket = 'week' and outer_bucket.bucket = 'period')
                or (inner_bucket.bucket = 'period' and outer_bucket.bucket = 'quarter')
            )
    where inner_bucket.bucket != 'quarter'
    group by inner_bucket.bucket, inner_bucket.bucket_start
)

select
    bucket,
    bucket_start

from following
where
    next_start != bucket_end
    or cast({{ dbt.date_trunc('week', 'bucket_start') }} as date) != bucket_start
    or lasting_seconds != week_count * 7 * 86400
union all
select
    bucket,
    bucket_start

from larger
where holder_count != 1
