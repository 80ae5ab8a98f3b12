with responses as (
    select * from {{ ref('stg_canonical__survey_responses') }}
),

items as (
    select * from {{ ref('survey_items') }}
),

waves as (
    select * from {{ ref('int_survey_waves') }}
),

teams as (
    select * from {{ ref('int_survey_teams') }}
),

accounts as (
    select * from {{ ref('stg_door__people') }}
),

-- An account that nobody declared may be somebody's second one: its answers count nowhere (B03).
answered as (
    select
        waves.quarter_start,
        accounts.person_key,
        responses.team,
        items.driver,
        items.scale,
        case
            when items.scale = 'hours' then responses.hours
            -- A problem is worst at five, a driver best: all scores point one way.
            when items.scale = 'problem' then 6 - responses.score
            else responses.score
        end as amount

    from responses
    inner join waves on responses.wave_id = waves.wave_id
    inner join items on responses.item = items.item
    inner join accounts on responses.respondent_key = accounts.landed_key
    where
        accounts.is_resolved
        and not responses.respondent_is_bot
),

final as (
    select
        answered.quarter_start,
        answered.person_key,
        coalesce(teams.team_key, 'unassigned') as team_key,
        coalesce(teams.value_stream_key, 'unassigned') as value_stream_key,
        answered.driver,
        answered.scale,
        cast(answered.amount as numeric(9, 3)) as amount

    from answered
    left join teams
        on
            answered.quarter_start = teams.quarter_start
            and answered.team = teams.stated_team
    where answered.amount is not null
)

select * from final
