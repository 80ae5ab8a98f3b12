with system_owners as (
    select * from {{ ref('system_owners') }}
),

team_value_streams as (
    select * from {{ ref('team_value_streams') }}
),

teams as (
    select * from {{ ref('teams') }}
),

bounded_owners as (
    select
        system_key,
        team_key,
        coalesce(valid_from, cast('1900-01-01' as date)) as valid_from,
        coalesce(valid_to, cast('9999-01-01' as date)) as valid_to

    from system_owners
),

bounded_streams as (
    select
        team_key,
        value_stream_key,
        coalesce(valid_from, cast('1900-01-01' as date)) as valid_from,
        coalesce(valid_to, cast('9999-01-01' as date)) as valid_to

    from team_value_streams
),

final as (
    select
        bounded_owners.system_key,
        bounded_owners.team_key,
        bounded_streams.value_stream_key,
        teams.calendar_key,
        greatest(bounded_owners.valid_from, bounded_streams.valid_from) as valid_from,
        least(bounded_owners.valid_to, bounded_streams.valid_to) as valid_to

    from bounded_owners
    inner join bounded_streams
        on
            bounded_owners.team_key = bounded_streams.team_key
            and bounded_owners.valid_from < bounded_streams.valid_to
            and bounded_owners.valid_to > bounded_streams.valid_from
    inner join teams on bounded_owners.team_key = teams.team_key
)

select * from final
