with lives as (
    select * from {{ ref('int_change_lives') }}
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

spans as (
    select
        change_key,
        author_kind,
        author_key,
        coalesce(started_at, ready_at) as begun_at,
        coalesce(merged_at, abandoned_at) as ended_at

    from lives
    where coalesce(started_at, ready_at) is not null
),

open_at_end as (
    select
        spans.change_key,
        spans.author_kind,
        spans.author_key,
        weeks.bucket,
        weeks.bucket_start,
        weeks.bucket_end,
        {{ seconds_between('spans.begun_at', 'cast(weeks.bucket_end as timestamp)') }}
            as age_seconds

    from spans
    inner join weeks
        on
            spans.begun_at < weeks.bucket_end
            and (spans.ended_at is null or spans.ended_at >= weeks.bucket_end)
            and weeks.week_end = weeks.bucket_end
),

final as (
    select
        open_at_end.change_key,
        open_at_end.author_kind,
        open_at_end.author_key,
        open_at_end.bucket,
        open_at_end.bucket_start,
        open_at_end.bucket_end,
        open_at_end.age_seconds,
        coalesce(system_owners.system_key, 'unassigned') as system_key,
        coalesce(system_owners.team_key, 'unassigned') as team_key,
        coalesce(system_owners.value_stream_key, 'unassigned') as value_stream_key

    from open_at_end
    left join change_systems on open_at_end.change_key = change_systems.change_key
    -- Open work belongs to who owns its system at the bucket's end.
    left join system_owners
        on
            change_systems.system_key = system_owners.system_key
            and open_at_end.bucket_end > system_owners.valid_from
            and open_at_end.bucket_end <= system_owners.valid_to
)

select * from final
