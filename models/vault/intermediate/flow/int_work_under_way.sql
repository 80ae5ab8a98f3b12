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
    select * from {{ ref('int_buckets') }}
    where
        bucket = 'week'
        and is_closed
        and is_recent
),

spans as (
    select
        change_key,
        author_kind,
        author_key,
        merged_at,
        coalesce(started_at, ready_at) as begun_at,
        coalesce(merged_at, abandoned_at) as ended_at

    from lives
    where coalesce(started_at, ready_at) is not null
),

-- Half-open like every span of time: what is closed as the week begins is not in it; what merges
-- then is completed in it.
in_weeks as (
    select
        spans.change_key,
        spans.author_kind,
        spans.author_key,
        spans.begun_at,
        weeks.bucket_start as week_start,
        weeks.bucket_end as week_end,
        greatest(spans.begun_at, cast(weeks.bucket_start as timestamp)) as under_way_from,
        least(
            coalesce(spans.ended_at, cast(weeks.bucket_end as timestamp)),
            cast(weeks.bucket_end as timestamp)
        ) as under_way_to,
        case
            when spans.merged_at >= weeks.bucket_start and spans.merged_at < weeks.bucket_end
                then spans.merged_at
        end as merged_at

    from spans
    inner join weeks
        on
            spans.begun_at < weeks.bucket_end
            and (
                spans.ended_at is null
                or spans.ended_at > weeks.bucket_start
                or spans.merged_at = weeks.bucket_start
            )
),

final as (
    select
        -- keys
        in_weeks.change_key,
        coalesce(system_owners.system_key, 'unassigned') as system_key,
        coalesce(system_owners.team_key, 'unassigned') as team_key,
        coalesce(system_owners.value_stream_key, 'unassigned') as value_stream_key,

        -- person data
        in_weeks.author_key,

        -- properties
        in_weeks.author_kind,

        -- timestamps
        in_weeks.week_start,
        in_weeks.week_end,

        -- durations
        {{ seconds_between('in_weeks.under_way_from', 'in_weeks.under_way_to') }}
            as under_way_seconds,
        coalesce({{ seconds_between('in_weeks.begun_at', 'in_weeks.merged_at') }}, 0)
            as completed_seconds

    from in_weeks
    left join change_systems on in_weeks.change_key = change_systems.change_key
    -- Ownership changes on Mondays: a week has one owner, whether the change merged in it or not.
    left join system_owners
        on
            change_systems.system_key = system_owners.system_key
            and in_weeks.week_end > system_owners.valid_from
            and in_weeks.week_end <= system_owners.valid_to
)

select * from final
