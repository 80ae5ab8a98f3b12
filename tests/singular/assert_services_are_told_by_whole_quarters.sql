{{ config(group='vault') }}
-- A week that is hidden in a quarter that is told would be the quarter less its other weeks.
with delivered as (
    select * from {{ ref('floor_delivered') }}
    where
        metric_key = 'deployment_frequency'
        and slice = 'all'
        and statistic = 'count'
),

buckets as (
    select * from {{ ref('int_buckets') }}
),

placed as (
    select
        delivered.grain,
        delivered.grain_key,
        delivered.status,
        quarters.bucket_start as quarter_start

    from delivered
    inner join buckets as quarters
        on
            delivered.bucket_start >= quarters.bucket_start
            and delivered.bucket_start < quarters.bucket_end
            and quarters.bucket = 'quarter'
)

select
    grain,
    grain_key,
    quarter_start

from placed
group by grain, grain_key, quarter_start
having
    count(case when status = 'withheld' then 1 end) > 0
    and count(case when status = 'withheld' then 1 end) < count(*)
