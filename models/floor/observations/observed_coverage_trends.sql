-- Theil and Sen: the median of the slopes between all pairs of weeks, which one odd report cannot
-- bend. Its range is Sen's, by the variance of Kendall's score. A system is paired with itself
-- alone, so that no system that begins to report moves its team.
with coverage_weeks as (
    select * from {{ ref('int_coverage_weeks') }}
),

cells as (
    {{ at_each_grain('coverage_weeks', columns=[
        'bucket', 'bucket_start', 'system_key', 'week_start',
        '100.0 * covered_lines / total_lines as points',
    ]) }}
),

week_counts as (
    select
        grain,
        grain_key,
        bucket,
        bucket_start,
        system_key,
        count(*) as week_count

    from cells
    group by grain, grain_key, bucket, bucket_start, system_key
),

spreads as (
    select
        grain,
        grain_key,
        bucket,
        bucket_start,
        sum(week_count) as sample_size,
        sum(week_count * (week_count - 1)) / 2.0 as slope_count,
        1.959964 * sqrt(sum(week_count * (week_count - 1) * (2 * week_count + 5)) / 18.0)
            as reach

    from week_counts
    group by grain, grain_key, bucket, bucket_start
),

-- Points in 13 weeks.
slopes as (
    select
        earlier.grain,
        earlier.grain_key,
        earlier.bucket,
        earlier.bucket_start,
        (later.points - earlier.points) * 13.0 * 604800.0
        / {{ seconds_between(
            'cast(earlier.week_start as timestamp)', 'cast(later.week_start as timestamp)',
        ) }} as slope

    from cells as earlier
    inner join cells as later
        on
            earlier.grain = later.grain
            and earlier.grain_key = later.grain_key
            and earlier.bucket = later.bucket
            and earlier.bucket_start = later.bucket_start
            and earlier.system_key = later.system_key
            and earlier.week_start < later.week_start
),

ranked as (
    select
        slopes.*,
        row_number() over (
            partition by slopes.grain, slopes.grain_key, slopes.bucket, slopes.bucket_start
            order by slopes.slope
        ) as place,
        spreads.sample_size,
        floor((spreads.slope_count - spreads.reach) / 2) as lower_place,
        ceil((spreads.slope_count + spreads.reach) / 2) + 1 as upper_place

    from slopes
    inner join spreads
        on
            slopes.grain = spreads.grain
            and slopes.grain_key = spreads.grain_key
            and slopes.bucket = spreads.bucket
            and slopes.bucket_start = spreads.bucket_start
),

summarised as (
    select
        grain,
        grain_key,
        bucket,
        bucket_start,
        sample_size,
        {{ percentile('slope', 0.5) }} as value,
        max(case when place = lower_place then slope end) as lower_bound,
        max(case when place = upper_place then slope end) as upper_bound

    from ranked
    group by grain, grain_key, bucket, bucket_start, sample_size
),

ranged as (
    select
        'test_coverage_trend' as metric_key,
        'all' as slice,
        'all' as slice_value,
        'trend' as statistic,
        'none' as clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        value,
        lower_bound,
        upper_bound,
        cast(null as {{ type_double() }}) as numerator,
        cast(null as {{ type_double() }}) as denominator,
        sample_size,
        'theil_sen' as method,
        lower_bound is not null and upper_bound is not null as is_supported

    from summarised
),

-- Doubles end here: what follows compares and cuts exact decimals.
final as (
    {{ exact_observation('ranged') }}
)

select * from final
