{#- Constants of the floor (O14): k of sensitive measures, the teams of a third, and the
    person-years from which on fewer than k who left are a tenth at most. -#}
{%- set least_count = 10 -%}
{%- set least_teams = 3 -%}
{%- set least_banded = 100 -%}
with teams as (
    select * from {{ ref('floor_attrition_teams') }}
),

settings as (
    select * from {{ ref('int_settings') }}
),

ordered as (
    select
        *,
        row_number() over (
            partition by quarter_start, experience_third order by leaver_count desc, team_key asc
        ) as place

    from teams
),

thirds as (
    select
        quarter_start,
        experience_third,
        count(*) as team_count,
        sum(person_years) as person_years,
        sum(leaver_count) as leaver_count,
        max(person_years) as largest_person_years,
        sum(case when place = 1 then leaver_count else 0 end) as largest_leaver_count,
        sum(case when place <= 2 then leaver_count else 0 end) as two_largest_leaver_count

    from ordered
    group by quarter_start, experience_third
),

-- A third that is mostly one team would tell of that team.
spread as (
    select
        *,
        team_count >= {{ least_teams }} and 2 * largest_person_years <= person_years as is_of_many

    from thirds
),

judged as (
    select
        *,
        is_of_many
        and leaver_count >= greatest({{ least_count }}, {{ minimum_people() }})
        and person_years - leaver_count >= greatest({{ least_count }}, {{ minimum_people() }})
        and 2 * largest_leaver_count <= leaver_count
        -- Else the team with second most would know the first one's to a tenth.
        and 10 * (leaver_count - two_largest_leaver_count) >= largest_leaver_count
            as is_sound,
        is_of_many
        and person_years >= {{ least_banded }}
        and 10 * leaver_count <= person_years
            as is_low

    from spread
),

-- The whole less two thirds is the third: all are told, or none.
years as (
    select
        quarter_start,
        sum(case when is_sound then 1 else 0 end) = 3 as is_open,
        sum(case when is_low then 1 else 0 end) = 3 as is_low

    from judged
    group by quarter_start
),

parts as (
    select
        quarter_start,
        experience_third,
        person_years,
        leaver_count

    from judged
    union all
    select
        quarter_start,
        'all' as experience_third,
        sum(person_years) as person_years,
        sum(leaver_count) as leaver_count

    from judged
    group by quarter_start
),

final as (
    select
        parts.quarter_start,
        parts.experience_third,
        cast(parts.person_years as numeric(18, 6)) as person_years,
        cast(parts.leaver_count as bigint) as leaver_count,
        years.is_open,
        years.is_low and not years.is_open as is_banded

    from parts
    inner join years on parts.quarter_start = years.quarter_start
)

select * from final
