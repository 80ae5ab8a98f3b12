with series as (
    select * from {{ ref('metric_series') }}
),

capabilities as (
    select * from {{ ref('int_capabilities') }}
),

missing as (
    select
        series.metric_key,
        series.slice,
        series.slice_value,
        series.statistic,
        series.clock,
        count(*) as missing_count

    from series
    inner join capabilities
        on '|' || series.needs || '|' like '%|' || capabilities.capability || '|%'
    where not capabilities.is_delivered
    group by
        series.metric_key, series.slice, series.slice_value, series.statistic, series.clock
),

connected as (
    select is_delivered from capabilities
    where capability = 'changes'
),

-- A property of the whole installation: the same for every group, so it says nothing of one.
final as (
    select
        series.metric_key,
        series.slice,
        series.slice_value,
        series.statistic,
        series.clock,
        case
            -- A survey needs no changes.
            when not connected.is_delivered and series.needs not like 'surveys%' then 'no_data'
            when missing.missing_count > 0 then 'not_measurable'
            else 'ok'
        end as status

    from series
    cross join connected
    left join missing
        on
            series.metric_key = missing.metric_key
            and series.slice = missing.slice
            and series.slice_value = missing.slice_value
            and series.statistic = missing.statistic
            and series.clock = missing.clock
)

select * from final
