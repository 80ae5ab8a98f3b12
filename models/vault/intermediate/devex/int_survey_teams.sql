with invitations as (
    select * from {{ ref('stg_canonical__survey_invitations') }}
),

responses as (
    select * from {{ ref('stg_canonical__survey_responses') }}
),

waves as (
    select * from {{ ref('int_survey_waves') }}
),

teams as (
    select * from {{ ref('teams') }}
),

team_value_streams as (
    select * from {{ ref('team_value_streams') }}
),

named as (
    select
        wave_id,
        team,
        invited_count

    from invitations
    union all
    select distinct
        wave_id,
        team,
        0 as invited_count

    from responses
    where team is not null
),

counted as (
    select
        waves.quarter_start,
        waves.closed_on,
        named.team,
        sum(named.invited_count) as invited_count

    from named
    inner join waves on named.wave_id = waves.wave_id
    group by waves.quarter_start, waves.closed_on, named.team
),

-- The team's value stream on the day on which the wave closed.
final as (
    select
        counted.quarter_start,
        counted.team as stated_team,
        case when team_value_streams.team_key is null then 'unassigned' else teams.team_key end
            as team_key,
        coalesce(team_value_streams.value_stream_key, 'unassigned') as value_stream_key,
        cast(counted.invited_count as bigint) as invited_count

    from counted
    left join teams on counted.team = teams.team_key
    left join team_value_streams
        on
            teams.team_key = team_value_streams.team_key
            and counted.closed_on
            >= coalesce(team_value_streams.valid_from, cast('1900-01-01' as date))
            and counted.closed_on
            < coalesce(team_value_streams.valid_to, cast('9999-01-01' as date))
)

select * from final
