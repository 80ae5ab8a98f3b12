with teams as (
    select * from {{ ref('teams') }}
),

as_of as (
    select max(as_of) as as_of from {{ ref('floor_observations') }}
),

-- Where a team stands at as_of; its past stays where it was, and what is planned is not yet so.
placed as (
    select
        team_value_streams.team_key,
        team_value_streams.value_stream_key

    from {{ ref('team_value_streams') }} as team_value_streams
    cross join as_of
    where
        coalesce(team_value_streams.valid_from, cast('1900-01-01' as date)) <= as_of.as_of
        and coalesce(team_value_streams.valid_to, cast('9999-01-01' as date)) > as_of.as_of
),

final as (
    select
        teams.team_key,
        teams.team_label,
        placed.value_stream_key

    from teams
    left join placed on teams.team_key = placed.team_key
)

select * from final
