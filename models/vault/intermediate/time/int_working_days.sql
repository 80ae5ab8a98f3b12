with calendars as (
    select * from {{ ref('calendars') }}
),

holidays as (
    select * from {{ ref('holidays') }}
),

spine as (
    {{ dbt.date_spine('day', "cast('2000-01-03' as date)", "cast('2040-01-02' as date)") }}
),

days as (
    select
        cast(date_day as date) as work_date,
        -- Monday is 1.
        cast(
            {{ seconds_between(dbt.date_trunc('week', 'date_day'), 'date_day') }} / 86400.0
            as integer
        ) + 1 as weekday

    from spine
),

hours as (
    select
        calendars.calendar_key,
        {{ to_utc(local_time('days.work_date', 'calendars.opens'), 'calendars.time_zone') }}
            as opens_at,
        {{ to_utc(local_time('days.work_date', 'calendars.closes'), 'calendars.time_zone') }}
            as closes_at

    from days
    inner join calendars on days.weekday = calendars.weekday
    left join holidays
        on
            days.work_date = holidays.holiday_date
            and calendars.calendar_key = holidays.calendar_key
    where holidays.holiday_date is null
),

-- Hours of a local day may reach into a second day of UTC: they are cut at its midnight.
pieces as (
    select
        calendar_key,
        cast(opens_at as date) as utc_date,
        opens_at,
        least(closes_at, {{ dbt.dateadd('day', 1, 'cast(cast(opens_at as date) as timestamp)') }})
            as closes_at

    from hours
    union all
    select
        calendar_key,
        cast(closes_at as date) as utc_date,
        cast(cast(closes_at as date) as timestamp) as opens_at,
        closes_at

    from hours
    where
        cast(closes_at as date) > cast(opens_at as date)
        and closes_at > cast(cast(closes_at as date) as timestamp)
),

ordered as (
    select
        calendar_key,
        utc_date,
        opens_at,
        closes_at,
        {{ seconds_between('opens_at', 'closes_at') }} as working_seconds,
        row_number() over (partition by calendar_key, utc_date order by opens_at) as place

    from pieces
),

calendar_names as (
    select distinct calendar_key from calendars
),

dense as (
    select
        calendar_names.calendar_key,
        days.work_date as utc_date,
        max(case when ordered.place = 1 then ordered.opens_at end) as first_opens_at,
        max(case when ordered.place = 1 then ordered.closes_at end) as first_closes_at,
        max(case when ordered.place = 2 then ordered.opens_at end) as second_opens_at,
        max(case when ordered.place = 2 then ordered.closes_at end) as second_closes_at,
        coalesce(sum(ordered.working_seconds), 0) as working_seconds

    from days
    cross join calendar_names
    left join ordered
        on
            days.work_date = ordered.utc_date
            and calendar_names.calendar_key = ordered.calendar_key
    group by calendar_names.calendar_key, days.work_date
),

final as (
    select
        calendar_key,
        utc_date,
        first_opens_at,
        first_closes_at,
        second_opens_at,
        second_closes_at,
        cast(
            sum(working_seconds) over (
                partition by calendar_key order by utc_date
                rows between unbounded preceding and current row
            ) - working_seconds as bigint
        ) as working_seconds_before

    from dense
)

select * from final
