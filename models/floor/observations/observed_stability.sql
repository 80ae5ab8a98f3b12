{#- A range of a thousandfold each way says nothing, and decimals end somewhere. -#}
{%- set widest = 'ln(1000.0)' -%}
with under_way as (
    select * from {{ ref('int_work_under_way') }}
    where author_kind = 'human'
),

weeks as (
    select * from {{ ref('int_weeks') }}
    where bucket = 'quarter'
),

cells as (
    {%- for grain, grain_key in [
        ('team', 'team_key'),
        ('value_stream', 'value_stream_key'),
    ] %}
    select
        '{{ grain }}' as grain,
        under_way.{{ grain_key }} as grain_key,
        weeks.bucket,
        weeks.bucket_start,
        under_way.change_key,
        under_way.author_key,
        under_way.under_way_seconds,
        under_way.completed_seconds

    from under_way
    inner join weeks on under_way.week_start = weeks.week_start
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

-- A change is one draw of both sums, in however many weeks it was under way.
changes as (
    select
        grain,
        grain_key,
        bucket,
        bucket_start,
        change_key,
        max(author_key) as author_key,
        cast(sum(under_way_seconds) as numeric(18, 0)) as n,
        cast(sum(completed_seconds) as numeric(18, 0)) as d

    from cells
    group by grain, grain_key, bucket, bucket_start, change_key
),

-- Hours are no events: one long change can be most of them. Undeclared accounts may be one.
people as (
    select
        grain,
        grain_key,
        bucket,
        bucket_start,
        author_key,
        sum(n) as n,
        sum(d) as d

    from changes
    group by grain, grain_key, bucket, bucket_start, author_key
),

supported as (
    select
        grain,
        grain_key,
        bucket,
        bucket_start,
        count(case when d > 0 then author_key end) >= 3
        and max(n) * 2 <= sum(n)
        and max(d) * 2 <= sum(d) as is_supported

    from people
    group by grain, grain_key, bucket, bucket_start
),

-- Squares of seconds are summed as exact decimals: doubles would depend on the order of rows.
sums as (
    select
        grain,
        grain_key,
        bucket,
        bucket_start,
        count(*) as sample_size,
        cast(sum(n) as {{ type_double() }}) as load_seconds,
        cast(sum(d) as {{ type_double() }}) as completed_seconds,
        cast(sum(n * n) as {{ type_double() }}) as sum_nn,
        cast(sum(n * d) as {{ type_double() }}) as sum_nd,
        cast(sum(d * d) as {{ type_double() }}) as sum_dd

    from changes
    group by grain, grain_key, bucket, bucket_start
),

-- Mean load is load_seconds by the length of the bucket, and velocity times mean flow time is
-- completed_seconds by the same: it falls out.
ratios as (
    select
        *,
        load_seconds / completed_seconds as ratio

    from sums
    where
        sample_size > 1
        and load_seconds > 0
        and completed_seconds > 0
),

spread as (
    select
        *,
        {{ t_quantile('(sample_size - 1.0)') }} * sqrt(
            greatest(sum_nn - 2 * ratio * sum_nd + ratio * ratio * sum_dd, 0)
            * sample_size / (sample_size - 1.0)
        ) / load_seconds as half_width

    from ratios
),

ranged as (
    select
        'littles_law_gap' as metric_key,
        'all' as slice,
        'all' as slice_value,
        'gap' as statistic,
        'wall' as clock,
        spread.grain,
        spread.grain_key,
        spread.bucket,
        spread.bucket_start,
        spread.ratio - 1 as value,
        spread.ratio * exp(-least(spread.half_width, {{ widest }})) - 1 as lower_bound,
        spread.ratio * exp(least(spread.half_width, {{ widest }})) - 1 as upper_bound,
        cast(null as {{ type_double() }}) as numerator,
        cast(null as {{ type_double() }}) as denominator,
        spread.sample_size,
        'delta_log_t' as method,
        supported.is_supported

    from spread
    inner join supported
        on
            spread.grain = supported.grain
            and spread.grain_key = supported.grain_key
            and spread.bucket = supported.bucket
            and spread.bucket_start = supported.bucket_start
),

-- Doubles end here: what follows compares and cuts exact decimals.
final as (
    {{ exact_observation('ranged') }}
)

select * from final
