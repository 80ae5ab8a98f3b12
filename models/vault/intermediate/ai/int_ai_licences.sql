with licences as (
    select * from {{ ref('stg_canonical__ai_licences') }}
),

weeks as (
    select * from {{ ref('int_buckets') }}
    where
        bucket = 'week'
        and is_closed
),

quarters as (
    select * from {{ ref('int_buckets') }}
    where bucket = 'quarter'
),

teams as (
    select * from {{ ref('teams') }}
),

team_value_streams as (
    select * from {{ ref('team_value_streams') }}
),

held as (
    select
        licences.team,
        licences.tool,
        licences.seats,
        licences.valid_from,
        weeks.bucket_start as week_start,
        greatest(licences.valid_from, weeks.bucket_start) as first_day,
        least(coalesce(licences.valid_to, weeks.bucket_end), weeks.bucket_end) as day_after

    from licences
    inner join weeks
        on
            licences.valid_from < weeks.bucket_end
            and coalesce(licences.valid_to, weeks.bucket_end) > weeks.bucket_start
),

-- One value stream a quarter, that of its last day: so that what teams cost adds up to it.
final as (
    select
        -- keys
        held.tool,
        held.valid_from,
        case when team_value_streams.team_key is null then 'unassigned' else teams.team_key end
            as team_key,
        coalesce(team_value_streams.value_stream_key, 'unassigned') as value_stream_key,

        -- time
        held.week_start,
        quarters.bucket_start as quarter_start,

        -- measures
        held.seats,
        cast(
            {{ seconds_between('held.first_day', 'held.day_after') }} * 1.0 / 86400 as integer
        ) as day_count,
        held.first_day = held.week_start as is_held_on_monday

    from held
    inner join quarters
        on
            held.week_start >= quarters.bucket_start
            and held.week_start < quarters.bucket_end
    left join teams on held.team = teams.team_key
    left join team_value_streams
        on
            teams.team_key = team_value_streams.team_key
            and quarters.bucket_end
            > coalesce(team_value_streams.valid_from, cast('1900-01-01' as date))
            and quarters.bucket_end
            <= coalesce(team_value_streams.valid_to, cast('9999-01-01' as date))
    where held.first_day < held.day_after
)

select * from final
