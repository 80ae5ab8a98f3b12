{{ config(group='vault') }}
-- A quarter has 13 weeks in periods of 4, 4 and 5. A year of 53 ISO weeks (2020, 2026, 2032, 2037)
-- gives the last one to its last period: 6 weeks, and 14 in the quarter.
with buckets as (
    select * from {{ ref('int_buckets') }}
),

-- Years whose weeks are all laid out.
quarters as (
    select
        bucket_start,
        bucket_end,
        week_count

    from buckets
    where
        bucket = 'quarter'
        and bucket_start >= cast('2000-01-03' as date)
        and bucket_end <= cast('2039-12-31' as date)
),

periods as (
    select
        quarters.bucket_start as quarter_start,
        quarters.week_count as quarter_weeks,
        buckets.week_count,
        row_number() over (
            partition by quarters.bucket_start order by buckets.bucket_start
        ) as period_place

    from quarters
    inner join buckets
        on
            quarters.bucket_start <= buckets.bucket_start
            and quarters.bucket_end >= buckets.bucket_end
    where buckets.bucket = 'period'
),

shapes as (
    select
        quarter_start,
        quarter_weeks,
        max(case when period_place = 1 then week_count end) as first_weeks,
        max(case when period_place = 2 then week_count end) as second_weeks,
        max(case when period_place = 3 then week_count end) as third_weeks,
        count(*) as period_count

    from periods
    group by quarter_start, quarter_weeks
),

-- Worked by hand: 53 weeks have the years that begin on a Thursday, and leap years on a Wednesday.
long_quarters as (
    select cast('2004-09-27' as date) as quarter_start
    union all
    select cast('2009-09-28' as date) as quarter_start
    union all
    select cast('2015-09-28' as date) as quarter_start
    union all
    select cast('2020-09-28' as date) as quarter_start
    union all
    select cast('2026-09-28' as date) as quarter_start
    union all
    select cast('2032-09-27' as date) as quarter_start
    union all
    select cast('2037-09-28' as date) as quarter_start
)

select shapes.quarter_start
from shapes
left join long_quarters on shapes.quarter_start = long_quarters.quarter_start
where
    shapes.period_count != 3
    or shapes.first_weeks != 4
    or shapes.second_weeks != 4
    or shapes.third_weeks != case when long_quarters.quarter_start is null then 5 else 6 end
    or shapes.quarter_weeks != case when long_quarters.quarter_start is null then 13 else 14 end
union all
-- All of the long ones were found.
select long_quarters.quarter_start
from long_quarters
left join shapes on long_quarters.quarter_start = shapes.quarter_start
where shapes.quarter_start is null
