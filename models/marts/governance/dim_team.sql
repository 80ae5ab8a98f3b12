with teams as (
    select * from {{ ref('teams') }}
),

-- The newest place of a team; its past stays where it was.
placed as (
    select
        team_key,
        value_stream_key,
        row_number() over (partition by team_key order by valid_from desc nulls last) as place

    from {{ ref('team_value_streams') }}
),

final as (
    select
        teams.team_key,
        teams.team_label,
        placed.value_stream_key

    from teams
    left join placed
        on
            teams.team_key = placed.team_key
            and placed.place = 1
)

select * from final
