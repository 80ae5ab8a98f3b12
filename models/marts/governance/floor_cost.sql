with observations as (
    select * from {{ ref('floor_observations') }}
),

metrics as (
    select * from {{ ref('metrics') }}
),

-- Figures of systems rest on nobody; what cannot be measured is not withheld.
cells as (
    select
        observations.grain,
        observations.bucket,
        observations.status,
        observations.as_of

    from observations
    inner join metrics on observations.metric_key = metrics.metric_key
    where
        metrics.class != 'S'
        and observations.status in ('ok', 'withheld')
),

counted as (
    select
        grain,
        bucket,
        count(*) as cell_count,
        count(case when status = 'ok' then 1 end) as published_count,
        max(as_of) as as_of

    from cells
    group by grain, bucket
),

final as (
    select
        -- grain
        grain,
        bucket,

        -- value
        cell_count,
        published_count,
        cast(round(published_count * 1.0 / cell_count, 3) as numeric(18, 4)) as published_share,
        as_of

    from counted
)

select * from final
