with licences as (
    select * from {{ ref('int_ai_licences') }}
    where is_held_on_monday
),

usage as (
    select * from {{ ref('stg_canonical__ai_usage') }}
),

-- A tool that nobody at all used in a quarter is one of which nobody tells; nor does anybody of a
-- team that the organisation does not have.
told as (
    select distinct
        licences.tool,
        licences.quarter_start

    from licences
    inner join usage
        on
            licences.tool = usage.tool
            and licences.week_start = usage.week_start
    where licences.team_key != 'unassigned'
),

by_tool as (
    select
        licences.team_key,
        licences.value_stream_key,
        licences.quarter_start,
        licences.week_start,
        licences.tool,
        sum(case when told.tool is not null then licences.seats else 0 end) as seats,
        sum(case when told.tool is null then licences.seats else 0 end) as untold_seats

    from licences
    left join told
        on
            licences.tool = told.tool
            and licences.quarter_start = told.quarter_start
            and licences.team_key != 'unassigned'
    group by
        licences.team_key, licences.value_stream_key, licences.quarter_start, licences.week_start,
        licences.tool
),

-- The seats of a second tool are taken to be of those who have the first.
final as (
    select
        team_key,
        value_stream_key,
        quarter_start,
        week_start,
        cast(max(seats) as bigint) as seats,
        cast(sum(untold_seats) as bigint) as untold_seats

    from by_tool
    group by team_key, value_stream_key, quarter_start, week_start
)

select * from final
