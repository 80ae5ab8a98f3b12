with spine as (
    select * from {{ ref('floor_spine') }}
    where class = 'V'
),

observed as (
    select * from {{ ref('observed_surveys') }}
    union all
    select * from {{ ref('observed_survey_hours') }}
    union all
    select * from {{ ref('observed_driver_weights') }}
),

cells as (
    select * from {{ ref('floor_survey_cells') }}
),

waves as (
    select distinct quarter_start from {{ ref('int_survey_waves') }}
),

-- A quarter without a wave asked nobody, so it has no row.
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
        observed.value,
        observed.lower_bound,
        observed.upper_bound,
        -- Both would say how many answered.
        cast(null as numeric(18, 6)) as numerator,
        cast(null as numeric(18, 6)) as denominator,
        observed.sample_size,
        observed.method,
        spine.precision_step,
        case
            when spine.measurability != 'ok' then spine.measurability
            when
                cells.is_open
                and observed.is_supported
                and observed.people_count >= spine.min_sample
                then 'ok'
            else 'withheld'
        end as status

    from spine
    left join waves on spine.bucket_start = waves.quarter_start
    left join observed
        on
            spine.metric_key = observed.metric_key
            and spine.slice = observed.slice
            and spine.slice_value = observed.slice_value
            and spine.statistic = observed.statistic
            and spine.grain = observed.grain
            and spine.grain_key = observed.grain_key
            and spine.bucket_start = observed.quarter_start
    left join cells
        on
            observed.driver = cells.driver
            and observed.grain = cells.grain
            and observed.grain_key = cells.grain_key
            and observed.quarter_start = cells.quarter_start
            -- A band is told of whom the mean is told of.
            and case when observed.method = 'band' then 'mean' else observed.kind end = cells.kind
    where
        spine.measurability != 'ok'
        or waves.quarter_start is not null
),

final as (
    {{ told_observation('judged') }}
)

select * from final
