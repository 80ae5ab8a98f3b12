{{ config(group='vault') }}
-- A value stream costs what its teams do, and the portfolio what all of them and nobody's seats do.
with costs as (
    select * from {{ ref('observed_ai_costs') }}
),

team_costs as (
    select * from {{ ref('int_ai_costs') }}
),

weeks as (
    select * from {{ ref('int_weeks') }}
),

members as (
    select distinct
        weeks.bucket,
        weeks.bucket_start,
        team_costs.team_key,
        team_costs.value_stream_key

    from team_costs
    inner join weeks on team_costs.week_start = weeks.week_start
    where team_costs.seat_cost is not null
),

parts as (
    select
        'value_stream' as grain,
        members.value_stream_key as grain_key,
        costs.bucket,
        costs.bucket_start,
        costs.value

    from costs
    inner join members
        on
            costs.bucket = members.bucket
            and costs.bucket_start = members.bucket_start
            and costs.grain_key = members.team_key
    where costs.grain = 'team'
    union all
    select
        'portfolio' as grain,
        'all' as grain_key,
        bucket,
        bucket_start,
        value

    from costs
    where grain = 'value_stream'
),

added as (
    select
        grain,
        grain_key,
        bucket,
        bucket_start,
        sum(value) as value

    from parts
    group by grain, grain_key, bucket, bucket_start
),

final as (
    select
        costs.grain,
        costs.grain_key,
        costs.bucket,
        costs.bucket_start,
        costs.value,
        added.value as added_value

    from costs
    left join added
        on
            costs.grain = added.grain
            and costs.grain_key = added.grain_key
            and costs.bucket = added.bucket
            and costs.bucket_start = added.bucket_start
    where
        costs.grain != 'team'
        and (added.value is null or abs(costs.value - added.value) > 0.01)
)

select * from final
