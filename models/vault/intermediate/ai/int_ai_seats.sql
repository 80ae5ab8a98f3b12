with licences as (
    select * from {{ ref('int_ai_licences') }}
    where is_held_on_monday
),

told_tools as (
    select * from {{ ref('int_ai_told_tools') }}
),

-- Nobody tells of a tool that next to nobody used, nor of a team that the organisation lacks.
by_tool as (
    select
        licences.team_key,
        licences.value_stream_key,
        licences.quarter_start,
        licences.week_start,
        licences.tool,
        sum(case when told_tools.tool is not null then licences.seats else 0 end) as seats,
        sum(case when told_tools.tool is null then licences.seats else 0 end) as untold_seats

    from licences
    left join told_tools
        on
            licences.tool = told_tools.tool
            and licences.quarter_start = told_tools.quarter_start
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
