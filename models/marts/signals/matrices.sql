with observations as (
    select * from {{ ref('floor_observations') }}
    where bucket = 'quarter'
),

measures as (
    select * from {{ ref('matrix_measures') }}
),

metrics as (
    select * from {{ ref('metrics') }}
),

targets as (
    select
        *,
        coalesce(valid_from, cast('1900-01-01' as date)) as holds_from,
        lead(coalesce(valid_from, cast('1900-01-01' as date)), 1, cast('9999-01-01' as date)) over (
            partition by metric_key, statistic, clock, grain, grain_key
            order by valid_from
        ) as holds_to

    from {{ ref('targets') }}
),

placed as (
    select
        measures.matrix,
        measures.dimension,
        observations.*,
        metrics.direction,
        case
            when observations.status = 'ok' then cast(targets.target as numeric(18, 4))
        end as target_value

    from measures
    inner join observations
        on
            measures.metric_key = observations.metric_key
            and measures.slice = observations.slice
            and measures.slice_value = observations.slice_value
            and measures.statistic = observations.statistic
            and measures.clock = observations.clock
    inner join metrics on measures.metric_key = metrics.metric_key
    -- The target of the day on which the quarter began.
    left join targets
        on
            observations.metric_key = targets.metric_key
            and observations.statistic = targets.statistic
            and observations.clock = targets.clock
            and observations.grain = targets.grain
            and observations.grain_key = targets.grain_key
            and observations.bucket_start >= targets.holds_from
            and observations.bucket_start < targets.holds_to
),

final as (
    select
        -- grain
        matrix,
        dimension,
        metric_key,
        grain,
        grain_key,
        slice,
        slice_value,
        statistic,
        clock,
        bucket,
        bucket_start,

        -- value
        target_value,
        value,
        lower_bound,
        upper_bound,
        -- A range that holds the target says neither.
        case
            when target_value is null then 'none'
            when coalesce(lower_bound, value) > target_value
                then case direction when 'lower_is_better' then 'missed' else 'met' end
            when coalesce(upper_bound, value) < target_value
                then case direction when 'higher_is_better' then 'missed' else 'met' end
            else 'open'
        end as against_target,
        status,
        as_of

    from placed
)

select * from final
