with cells as (
    select * from {{ ref('int_measured_cells') }}
    where kind = 'ratio'
),

series as (
    select * from {{ ref('metric_series') }}
    where statistic = 'ratio'
),

exact as (
    select
        *,
        cast(numerator as numeric(18, 0)) as n,
        cast(denominator as numeric(18, 0)) as d
    from cells
),

-- Hours are no events: one long change can be most of them.
people as (
    select
        metric_key,
        slice,
        slice_value,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        subject_key,
        sum(n) as numerator,
        sum(d) as denominator

    from exact
    group by
        metric_key, slice, slice_value, clock, grain, grain_key, bucket, bucket_start, subject_key
),

borne as (
    select
        people.metric_key,
        people.slice,
        people.slice_value,
        people.clock,
        people.grain,
        people.grain_key,
        people.bucket,
        people.bucket_start,
        series.population,
        series.author_kind,
        count(case when people.numerator > 0 then people.subject_key end) as people_within,
        count(case when people.numerator < people.denominator then people.subject_key end)
            as people_without,
        max(people.numerator) as largest_numerator,
        sum(people.numerator) as numerator,
        max(people.denominator) as largest_denominator,
        sum(people.denominator) as denominator

    from people
    inner join series
        on
            people.metric_key = series.metric_key
            and people.slice = series.slice
            and people.slice_value = series.slice_value
            and people.clock = series.clock
    group by
        people.metric_key, people.slice, people.slice_value, people.clock, people.grain,
        people.grain_key, people.bucket, people.bucket_start, series.population, series.author_kind
),

-- Parts that add up to one whole are told together or not at all: the last could be computed.
supported as (
    select
        *,
        min(
            case
                when people_within < 3 or people_without < 3 then 0
                when largest_numerator * 2 > numerator then 0
                when largest_denominator * 2 > denominator then 0
                else 1
            end
        ) over (
            partition by
                population, author_kind, clock, grain, grain_key, bucket, bucket_start
        ) = 1 as is_supported

    from borne
),

-- Squares of seconds are summed as exact decimals: doubles would depend on the order of rows.
sums as (
    select
        metric_key,
        slice,
        slice_value,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        count(*) as sample_size,
        cast(sum(n) as {{ type_double() }}) as numerator,
        cast(sum(d) as {{ type_double() }}) as denominator,
        cast(sum(n * n) as {{ type_double() }}) as sum_nn,
        cast(sum(n * d) as {{ type_double() }}) as sum_nd,
        cast(sum(d * d) as {{ type_double() }}) as sum_dd

    from exact
    group by metric_key, slice, slice_value, clock, grain, grain_key, bucket, bucket_start
),

ratios as (
    select
        *,
        numerator / nullif(denominator, 0) as ratio
    from sums
),

-- Delta method clustered on the change: a change is one draw of both sums.
spread as (
    select
        *,
        sqrt(
            greatest(sum_nn - 2 * ratio * sum_nd + ratio * ratio * sum_dd, 0)
            * sample_size / (sample_size - 1.0)
        ) / denominator as standard_error

    from ratios
    where
        sample_size > 1
        and ratio > 0
        and ratio < 1
),

on_logit as (
    select
        spread.*,
        supported.is_supported,
        ln(spread.ratio / (1 - spread.ratio)) as logit,
        {{ t_quantile('(spread.sample_size - 1.0)') }}
        * spread.standard_error / (spread.ratio * (1 - spread.ratio)) as half_width

    from spread
    inner join supported
        on
            spread.metric_key = supported.metric_key
            and spread.slice = supported.slice
            and spread.slice_value = supported.slice_value
            and spread.clock = supported.clock
            and spread.grain = supported.grain
            and spread.grain_key = supported.grain_key
            and spread.bucket = supported.bucket
            and spread.bucket_start = supported.bucket_start
),

ranged as (
    select
        metric_key,
        slice,
        slice_value,
        'ratio' as statistic,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        ratio as value,
        1 / (1 + exp(-(logit - half_width))) as lower_bound,
        1 / (1 + exp(-(logit + half_width))) as upper_bound,
        numerator / 3600.0 as numerator,
        denominator / 3600.0 as denominator,
        sample_size,
        'delta_logit_t' as method,
        is_supported

    from on_logit
),

-- Doubles end here: what follows compares and cuts exact decimals.
final as (
    {{ exact_observation('ranged') }}
)

select * from final
