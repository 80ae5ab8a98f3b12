with lives as (
    select * from {{ ref('int_change_lives') }}
    where started_at is not null
),

change_systems as (
    select * from {{ ref('int_change_systems') }}
),

system_owners as (
    select * from {{ ref('int_system_owners') }}
),

weeks as (
    select * from {{ ref('int_weeks') }}
),

-- To the bucket's end and no further: what is deployed later changes no past number.
followed as (
    select
        lives.change_key,
        lives.author_kind,
        lives.author_key,
        lives.started_at,
        weeks.bucket,
        weeks.bucket_start,
        coalesce(lives.deployed_at < weeks.bucket_end, false) as is_deployed,
        least(
            coalesce(
                lives.deployed_at, lives.abandoned_at, cast(weeks.bucket_end as timestamp)
            ),
            cast(weeks.bucket_end as timestamp)
        ) as followed_until

    from lives
    inner join weeks
        on cast({{ dbt.date_trunc('week', 'lives.started_at') }} as date) = weeks.week_start
),

final as (
    select
        -- keys
        followed.change_key,
        coalesce(system_owners.system_key, 'unassigned') as system_key,
        coalesce(system_owners.team_key, 'unassigned') as team_key,
        coalesce(system_owners.value_stream_key, 'unassigned') as value_stream_key,
        followed.bucket,
        followed.bucket_start,

        -- person data
        followed.author_key,

        -- properties
        followed.author_kind,
        followed.is_deployed,

        -- timestamps
        followed.started_at,

        -- durations
        {{ seconds_between('followed.started_at', 'followed.followed_until') }} as followed_seconds

    from followed
    left join change_systems on followed.change_key = change_systems.change_key
    -- Whose it was when it began: who owns it when it ends is not known of all.
    left join system_owners
        on
            change_systems.system_key = system_owners.system_key
            and cast(followed.started_at as date) >= system_owners.valid_from
            and cast(followed.started_at as date) < system_owners.valid_to
)

select * from final
