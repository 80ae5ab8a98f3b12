{%- set weeks_back = -1 * setting('published_weeks') | int -%}
with as_of as (
    select * from {{ ref('int_as_of') }}
),

days as (
    {{ dbt.date_spine('day', "cast('2000-01-03' as date)", "cast('2040-01-02' as date)") }}
),

mondays as (
    select
        cast(date_day as date) as week_start,
        -- The ISO year of a week is the year of its Thursday.
        cast(extract(year from {{ dbt.dateadd('day', 3, 'date_day') }}) as integer) as iso_year

    from days
    where cast({{ dbt.date_trunc('week', 'date_day') }} as date) = cast(date_day as date)
),

numbered as (
    select
        week_start,
        iso_year,
        row_number() over (partition by iso_year order by week_start) as week_number

    from mondays
),

-- 13 weeks a quarter, cut 4-4-5; the week 53 belongs to the last period.
placed as (
    select
        week_start,
        iso_year,
        case
            when week_number <= 13 then 1
            when week_number <= 26 then 2
            when week_number <= 39 then 3
            else 4
        end as quarter_number,
        case when week_number in (1, 5, 9, 14, 18, 22, 27, 31, 35, 40, 44, 48) then 1 end
            as period_begin

    from numbered
),

period_numbered as (
    select
        week_start,
        iso_year,
        quarter_number,
        count(period_begin) over (
            partition by iso_year order by week_start
            rows between unbounded preceding and current row
        ) as period_number

    from placed
),

weeks as (
    select
        week_start,
        week_start as week_bucket,
        min(week_start) over (partition by iso_year, period_number) as period_bucket,
        min(week_start) over (partition by iso_year, quarter_number) as quarter_bucket

    from period_numbered
),

named as (
    select
        'week' as bucket,
        week_bucket as bucket_start,
        week_start
    from weeks
    union all
    select
        'period' as bucket,
        period_bucket as bucket_start,
        week_start
    from weeks
    union all
    select
        'quarter' as bucket,
        quarter_bucket as bucket_start,
        week_start
    from weeks
),

bounded as (
    select
        bucket,
        bucket_start,
        cast({{ dbt.dateadd('day', 7, 'max(week_start)') }} as date) as bucket_end,
        count(*) as week_count

    from named
    group by bucket, bucket_start
),

final as (
    select
        bounded.bucket,
        bounded.bucket_start,
        bounded.bucket_end,
        bounded.week_count,
        {{ dbt.dateadd('day', setting('loading_days') | int, 'bounded.bucket_end') }} <= as_of.as_of
            as is_closed,
        bounded.bucket_start >= cast({{ dbt.dateadd('week', weeks_back, 'as_of.as_of') }} as date)
            as is_recent

    from bounded
    cross join as_of
)

select * from final
