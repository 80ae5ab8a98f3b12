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
        seat_count,
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
        seat_count,
        seat_weeks as seats,
        user_weeks as used,
        is_open

    from cells
),

-- A half, fifth or tenth that holds the share, and never the share. How wide it is follows from the
-- seats alone: each band holds five counts that may be, or it would tell the very one.
sliced as (
    select
        *,
        case
            when seat_count >= 100 then 10
            when seat_count >= 50 then 5
            when seat_count >= 20 then 2
        end as band_count

    from counted
),

banded as (
    select
        *,
        floor(used * band_count * 1.0 / nullif(seats, 0)) as place

    from sliced
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
        cast(banded.place / banded.band_count as numeric(18, 6)) as lower_bound,
        cast((banded.place + 1) / banded.band_count as numeric(18, 6)) as upper_bound,
        cast(null as numeric(18, 6)) as numerator,
        cast(banded.seats as numeric(18, 6)) as denominator,
        banded.seats as sample_size,
        'band' as method,
        spine.precision_step,
        case
            when spine.measurability != 'ok' then spine.measurability
            when
                banded.is_open
                and banded.band_count is not null
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
