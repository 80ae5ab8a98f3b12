{{ config(group='vault') }}
-- The band that is told holds the share of those who use a seat, counted from who used it.
with told as (
    select * from {{ ref('floor_ai_adoption') }}
    where
        metric_key = 'ai_adoption'
        and status = 'ok'
        and grain = 'portfolio'
),

usage as (
    select * from {{ ref('int_ai_use') }}
),

seats as (
    select * from {{ ref('int_ai_seats') }}
),

users as (
    select
        quarter_start,
        count(distinct person_key) as user_count

    from usage
    group by quarter_start
),

team_seats as (
    select
        quarter_start,
        team_key,
        max(seats) as seat_count

    from seats
    group by quarter_start, team_key
),

licensed as (
    select
        quarter_start,
        sum(seat_count) as seat_count

    from team_seats
    group by quarter_start
),

final as (
    select
        told.bucket_start,
        told.lower_bound,
        told.upper_bound

    from told
    left join users on told.bucket_start = users.quarter_start
    left join licensed on told.bucket_start = licensed.quarter_start
    where
        users.user_count is null
        or users.user_count < told.lower_bound * licensed.seat_count
        or users.user_count >= told.upper_bound * licensed.seat_count
        or told.upper_bound - told.lower_bound not in (0.1, 0.2, 0.5)
)

select * from final
