with series as (
    select * from {{ ref('metric_series') }}
),

metrics as (
    select * from {{ ref('metrics') }}
),

cells as (
    select * from {{ ref('floor_cells') }}
),

observed as (
    select * from {{ ref('observed_quantiles') }}
    union all
    select * from {{ ref('observed_ratios') }}
    union all
    select * from {{ ref('observed_shares') }}
    union all
    select * from {{ ref('observed_means') }}
    union all
    select * from {{ ref('observed_concentrations') }}
    union all
    select * from {{ ref('observed_counts') }}
    union all
    select * from {{ ref('observed_work_in_progress') }}
    union all
    select * from {{ ref('observed_stability') }}
    union all
    select * from {{ ref('observed_survival') }}
),

spine as (
    select * from {{ ref('floor_spine') }}
    where class = 'P'
),

-- A cell is open to a metric where it is open in each role that the metric rests on.
open_cells as (
    select
        metrics.metric_key,
        cells.author_kind,
        cells.grain,
        cells.grain_key,
        cells.bucket,
        cells.bucket_start,
        series.slice,
        series.slice_value,
        series.statistic,
        series.clock,
        sum(case when cells.is_open then 1 else 0 end) as open_role_count

    from series
    inner join metrics on series.metric_key = metrics.metric_key
    inner join cells
        on
            series.population = cells.population
            and series.author_kind = cells.author_kind
            and (
                (cells.role = 'author' and series.needs_authors)
                or (cells.role = 'reviewer' and series.needs_reviewers)
            )
    group by
        metrics.metric_key, cells.author_kind, cells.grain, cells.grain_key, cells.bucket,
        cells.bucket_start, series.slice, series.slice_value, series.statistic, series.clock
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
        observed.value,
        observed.lower_bound,
        observed.upper_bound,
        observed.numerator,
        observed.denominator,
        observed.sample_size,
        observed.method,
        spine.precision_step,
        case
            when spine.measurability != 'ok' then spine.measurability
            when
                coalesce(open_cells.open_role_count, 0) = spine.needed_role_count
                and observed.is_supported
                and observed.sample_size >= spine.min_sample
                then 'ok'
            else 'withheld'
        end as status

    from spine
    left join observed
        on
            spine.metric_key = observed.metric_key
            and spine.slice = observed.slice
            and spine.slice_value = observed.slice_value
            and spine.statistic = observed.statistic
            and spine.clock = observed.clock
            and spine.grain = observed.grain
            and spine.grain_key = observed.grain_key
            and spine.bucket = observed.bucket
            and spine.bucket_start = observed.bucket_start
    left join open_cells
        on
            spine.metric_key = open_cells.metric_key
            and spine.slice = open_cells.slice
            and spine.slice_value = open_cells.slice_value
            and spine.statistic = open_cells.statistic
            and spine.clock = open_cells.clock
            and spine.grain = open_cells.grain
            and spine.grain_key = open_cells.grain_key
            and spine.bucket = open_cells.bucket
            and spine.bucket_start = open_cells.bucket_start
),

-- Parts of a population are told all or none, and only where the whole is, all of it exactly: else
-- the one that is not told is what the others leave of it. Types of work have no whole of their own
-- here: its share would be 1.
whole as (
    select
        metric_key,
        statistic,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        max(case when status = 'ok' and value is not null then 1 else 0 end) as is_told

    from judged
    where slice = 'all'
    group by metric_key, statistic, clock, grain, grain_key, bucket, bucket_start
),

parts as (
    select
        metric_key,
        slice,
        statistic,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        min(case when status = 'ok' then 1 else 0 end) as is_told

    from judged
    where
        slice in {{ parted_slices() }}
        -- What nobody uses at all is no part.
        and status in ('ok', 'withheld')
    group by metric_key, slice, statistic, clock, grain, grain_key, bucket, bucket_start
),

told as (
    select
        judged.metric_key,
        judged.grain,
        judged.grain_key,
        judged.slice,
        judged.slice_value,
        judged.statistic,
        judged.clock,
        judged.bucket,
        judged.bucket_start,
        judged.value,
        judged.lower_bound,
        judged.upper_bound,
        judged.numerator,
        judged.denominator,
        judged.sample_size,
        judged.method,
        judged.precision_step,
        case
            when
                judged.status = 'ok'
                and parts.is_told is not null
                and least(parts.is_told, coalesce(whole.is_told, 1)) = 0
                then 'withheld'
            else judged.status
        end as status

    from judged
    left join whole
        on
            judged.metric_key = whole.metric_key
            and judged.statistic = whole.statistic
            and judged.clock = whole.clock
            and judged.grain = whole.grain
            and judged.grain_key = whole.grain_key
            and judged.bucket = whole.bucket
            and judged.bucket_start = whole.bucket_start
    left join parts
        on
            judged.metric_key = parts.metric_key
            and judged.slice = parts.slice
            and judged.statistic = parts.statistic
            and judged.clock = parts.clock
            and judged.grain = parts.grain
            and judged.grain_key = parts.grain_key
            and judged.bucket = parts.bucket
            and judged.bucket_start = parts.bucket_start
),

final as (
    {{ told_observation('told') }}
)

select * from final
