{{ config(group='vault') }}
-- Every incident is of one severity: the shares of each group and bucket are of the same incidents,
-- and add up to all of them.
with observations as (
    select * from {{ ref('observed_deliveries') }}
    where metric_key = 'incident_severity_mix'
)

select
    grain,
    grain_key,
    bucket,
    bucket_start

from observations
group by grain, grain_key, bucket, bucket_start
having
    count(*) != 5
    or min(denominator) != max(denominator)
    or sum(numerator) != max(denominator)
