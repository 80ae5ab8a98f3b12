with spine as (
    select * from {{ ref('floor_spine') }}
    where class = 'U'
),

cells as (
    select * from {{ ref('floor_ai_cells') }}
),

counted as (
    select
        'ai_adoption' as metric_key,
        quarter_start,
        grain,
        grain_key,
        seat_count as seats,
        user_count as used,
        is_open

    from cells
    union all
    select
        'ai_weekly_adoption' as metric_key,
        quarter_start,
        grain,
        grain_key,
        seat_weeks as seats,
        user_weeks as used,
        is_open

    from cells
),

-- A tenth that holds the share, and never the share.
banded as (
    select
        *,
        floor(used * 10.0 / nullif(seats, 0)) / 10 as band

    from counted
),

judged as (
    select
        spine.metric_key,
        spine.grain,
        spine.grain_key,
        spine.slice,
        spine.slice_value,
        spine.statistic,
        spine.clock,
        spine.bucket,
        spine.bucket_start,
        cast(null as numeric(18, 6)) as value,
        cast(banded.band as numeric(18, 6)) as lower_bound,
        cast(banded.band + 0.1 as numeric(18, 6)) as upper_bound,
        cast(null as numeric(18, 6)) as numerator,
        cast(banded.seats as numeric(18, 6)) as denominator,
        banded.seats as sample_size,
        'band' as method,
        spine.precision_step,
        case
            when spine.measurability != 'ok' then spine.measurability
            when
                banded.is_open
                and banded.seats >= spine.min_sample
                then 'ok'
            else 'withheld'
        end as status

    from spine
    left join banded
        on
            spine.metric_key = banded.metric_key
            and spine.grain = banded.grain
            and spine.grain_key = banded.grain_key
            and spine.bucket_start = banded.quarter_start
),

final as (
    {{ told_observation('judged') }}
)

select * from final
