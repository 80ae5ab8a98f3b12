{{ config(group='vault') }}
-- As published: what the drivers add, and what they leave unexplained, is the gap to the last
-- digit.
with contributions as (
    select * from {{ ref('floor_driver_contributions') }}
    where status = 'ok'
),

summed as (
    select
        grain,
        grain_key,
        bucket_start,
        sum(case when metric_key = 'devex_gap' then value else -value end) as left_over,
        sum(case when metric_key = 'devex_gap' then 1 else 0 end) as gap_count

    from contributions
    group by grain, grain_key, bucket_start
)

select
    grain,
    grain_key,
    bucket_start

from summed
where
    left_over != 0
    or gap_count != 1
