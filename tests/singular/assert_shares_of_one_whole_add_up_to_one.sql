{{ config(group='vault') }}
-- Types of work part the items of a cell, and so do initiatives: all are told or none, and what is
-- told is every item.
with observations as (
    select * from {{ ref('floor_observations') }}
    where
        slice in ('work_type', 'initiative')
        and status in ('ok', 'withheld')
)

select
    metric_key,
    grain,
    grain_key,
    bucket,
    bucket_start

from observations
group by metric_key, grain, grain_key, bucket, bucket_start
having
    count(distinct status) != 1
    or sum(numerator) != max(denominator)
    or min(denominator) != max(denominator)
    or abs(sum(value) - 1) > 0.0026
