with answers as (
    select * from {{ ref('int_survey_answers') }}
),

-- A person of two teams in one wave is of neither.
people as (
    select
        quarter_start,
        person_key,
        case when min(team_key) = max(team_key) then min(team_key) else 'unassigned' end
            as team_key,
        case when min(team_key) = max(team_key) then min(value_stream_key) else 'unassigned' end
            as value_stream_key

    from answers
    group by quarter_start, person_key
),

-- However many items ask for a driver, and accounts answer: a person has one score.
scored as (
    select
        quarter_start,
        person_key,
        driver,
        case when scale = 'hours' then 'hours' else 'score' end as kind,
        sum(amount) as amount,
        count(*) as answer_count

    from answers
    group by
        quarter_start, person_key, driver, case when scale = 'hours' then 'hours' else 'score' end
),

final as (
    select
        -- keys
        scored.quarter_start,
        scored.driver,

        -- person data
        scored.person_key,

        -- group
        people.team_key,
        people.value_stream_key,

        -- measures
        scored.kind,
        cast(scored.amount * 1.0 / scored.answer_count as numeric(9, 3)) as amount

    from scored
    inner join people
        on
            scored.quarter_start = people.quarter_start
            and scored.person_key = people.person_key
)

select * from final
