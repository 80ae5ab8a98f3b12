{{ config(group='vault') }}
-- Thirds differ by a team at most, who left of them is who left of all, and a figure lies between
-- its own rate and that of all.
with teams as (
    select * from {{ ref('floor_attrition_teams') }}
),

observed as (
    select * from {{ ref('observed_attrition') }}
),

cells as (
    select * from {{ ref('floor_attrition_cells') }}
),

sizes as (
    select
        quarter_start,
        experience_third,
        count(*) as team_count

    from teams
    group by quarter_start, experience_third
),

summed as (
    select
        quarter_start,
        sum(case when experience_third = 'all' then person_years else -person_years end)
            as person_years_left,
        sum(case when experience_third = 'all' then leaver_count else -leaver_count end)
            as leavers_left

    from cells
    group by quarter_start
),

wholes as (
    select
        quarter_start,
        value

    from observed
    where
        slice = 'all'
        and value is not null
),

faults as (
    select quarter_start
    from summed
    where
        person_years_left != 0
        or leavers_left != 0
    union all
    select quarter_start
    from sizes
    group by quarter_start
    having max(team_count) - min(team_count) > 1
    union all
    select thirds.quarter_start
    from observed as thirds
    inner join wholes on thirds.quarter_start = wholes.quarter_start
    where
        thirds.slice = 'experience_third'
        and thirds.statistic = 'share'
        and (
            thirds.value
            < least(thirds.numerator * 1.0 / thirds.denominator, wholes.value) - 0.000002
            or thirds.value
            > greatest(thirds.numerator * 1.0 / thirds.denominator, wholes.value) + 0.000002
        )
)

select quarter_start from faults
