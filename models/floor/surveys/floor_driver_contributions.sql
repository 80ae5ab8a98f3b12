-- Made of what has passed, as it is published: so that whoever reads it can add it up.
with surveys as (
    select * from {{ ref('floor_surveys') }}
),

scores as (
    select * from surveys
    where metric_key = 'driver_score'
),

organisation as (
    select * from scores
    where
        grain = 'portfolio'
        and status = 'ok'
),

weights as (
    select * from surveys
    where
        metric_key = 'devex_driver_weight'
        and status = 'ok'
),

gaps as (
    select
        scores.grain,
        scores.grain_key,
        scores.bucket,
        scores.bucket_start,
        scores.clock,
        scores.slice_value as driver,
        scores.sample_size,
        scores.status,
        weights.value as weight,
        scores.value - organisation.value as gap,
        (weights.upper_bound - weights.lower_bound) / 2 as weight_half_width,
        sqrt(
            (scores.upper_bound - scores.lower_bound) * (scores.upper_bound - scores.lower_bound)
            + (organisation.upper_bound - organisation.lower_bound)
            * (organisation.upper_bound - organisation.lower_bound)
        ) / 2 as gap_half_width

    from scores
    left join organisation
        on
            scores.bucket_start = organisation.bucket_start
            and scores.slice_value = organisation.slice_value
    left join weights
        on
            scores.bucket_start = weights.bucket_start
            and scores.slice_value = weights.slice_value
    where scores.grain != 'portfolio'
),

-- A driver without a weight was not asked for: it explains nothing and hides nothing.
contributions as (
    select
        *,
        weight * gap as contribution,
        cast(
            sqrt(
                weight * weight * gap_half_width * gap_half_width
                + gap * gap * weight_half_width * weight_half_width
            ) as numeric(18, 6)
        ) as half_width

    from gaps
    where driver != 'overall'
),

asked as (
    select
        bucket_start,
        count(*) as driver_count

    from weights
    group by bucket_start
),

explained as (
    select
        contributions.grain,
        contributions.grain_key,
        contributions.bucket_start,
        count(contributions.contribution) as told_count,
        max(asked.driver_count) as driver_count,
        sum(contributions.contribution) as contribution,
        sum(contributions.half_width * contributions.half_width) as half_width_squared

    from contributions
    left join asked on contributions.bucket_start = asked.bucket_start
    group by contributions.grain, contributions.grain_key, contributions.bucket_start
),

-- All drivers of a group or none: what is not explained would tell of the one that is hidden.
judged as (
    select
        gaps.grain,
        gaps.grain_key,
        gaps.bucket,
        gaps.bucket_start,
        gaps.clock,
        gaps.gap,
        gaps.gap_half_width,
        gaps.sample_size,
        explained.contribution,
        explained.half_width_squared,
        case
            when gaps.status in ('no_data', 'not_measurable') then gaps.status
            when
                gaps.gap is not null
                and explained.told_count = explained.driver_count
                then 'ok'
            else 'withheld'
        end as status

    from gaps
    left join explained
        on
            gaps.grain = explained.grain
            and gaps.grain_key = explained.grain_key
            and gaps.bucket_start = explained.bucket_start
    where gaps.driver = 'overall'
),

unioned as (
    select
        'devex_driver_attribution' as metric_key,
        'driver' as slice,
        contributions.driver as slice_value,
        judged.grain,
        judged.grain_key,
        judged.bucket,
        judged.bucket_start,
        judged.clock,
        contributions.contribution as value,
        contributions.half_width,
        judged.sample_size,
        case
            when judged.status = 'ok' and contributions.weight is null then 'withheld'
            else judged.status
        end as status

    from contributions
    inner join judged
        on
            contributions.grain = judged.grain
            and contributions.grain_key = judged.grain_key
            and contributions.bucket_start = judged.bucket_start
    union all
    select
        'devex_driver_attribution' as metric_key,
        'driver' as slice,
        'unexplained' as slice_value,
        grain,
        grain_key,
        bucket,
        bucket_start,
        clock,
        gap - contribution as value,
        sqrt(gap_half_width * gap_half_width + half_width_squared) as half_width,
        sample_size,
        status

    from judged
    union all
    select
        'devex_gap' as metric_key,
        'all' as slice,
        'all' as slice_value,
        grain,
        grain_key,
        bucket,
        bucket_start,
        clock,
        gap as value,
        gap_half_width as half_width,
        sample_size,
        status

    from judged
),

ranged as (
    select
        *,
        'difference' as statistic,
        value - half_width as lower_bound,
        value + half_width as upper_bound,
        cast(null as numeric(18, 6)) as numerator,
        cast(null as numeric(18, 6)) as denominator,
        'delta_t' as method,
        0.001 as precision_step

    from unioned
),

final as (
    {{ told_observation('ranged') }}
)

select * from final
