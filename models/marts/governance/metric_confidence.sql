{#- From a hundred events on ranges cover what they say: test_ranges_cover.py. -#}
{%- set large_sample = 100 -%}
{%- set high_coverage, low_coverage = 0.95, 0.8 -%}
{#- What the rules of publication wait for, and a week. -#}
{%- set fresh_hours, stale_hours = 72, 168 -%}
with observations as (
    select * from {{ ref('floor_observations') }}
    where bucket = 'quarter'
),

metric_series as (
    select * from {{ ref('metric_series') }}
),

metrics as (
    select * from {{ ref('metrics') }}
),

targets as (
    select * from {{ ref('targets') }}
),

benchmarks as (
    select * from {{ ref('benchmarks') }}
),

told as (
    select
        observations.*,
        metrics.class,
        metric_series.needs,
        metric_series.min_sample

    from observations
    inner join metrics on observations.metric_key = metrics.metric_key
    inner join metric_series
        on
            observations.metric_key = metric_series.metric_key
            and observations.slice = metric_series.slice
            and observations.slice_value = metric_series.slice_value
            and observations.statistic = metric_series.statistic
            and observations.clock = metric_series.clock
    where
        observations.slice in ('all', 'stage')
        and observations.status = 'ok'
),

-- The source that says least of it, for a figure is of all sources together.
qualities as (
    select
        bucket_start,
        min(case when metric_key = 'mapped_share' then value end) as mapped_share,
        min(case when metric_key = 'deployment_linked_share' then value end) as linked_share,
        max(case when metric_key = 'source_lag' then value end) as lag_hours

    from observations
    where
        slice = 'source'
        and status = 'ok'
    group by bucket_start
),

with_target as (
    select distinct
        metric_key,
        statistic,
        clock,
        grain,
        grain_key

    from targets
),

with_benchmark as (
    select distinct
        metric_key,
        statistic,
        clock

    from benchmarks
),

measured as (
    select
        told.*,
        qualities.lag_hours,
        -- Services, answers, seats and headcounts are found by their own names, not by a change's.
        case
            when told.class not in ('P', 'K') then null
            when told.needs like '%deployments%'
                then least(qualities.mapped_share, qualities.linked_share)
            else qualities.mapped_share
        end as coverage,
        with_target.metric_key is not null as has_target,
        with_benchmark.metric_key is not null and told.grain = 'portfolio' as has_benchmark

    from told
    left join qualities on told.bucket_start = qualities.bucket_start
    left join with_target
        on
            told.metric_key = with_target.metric_key
            and told.statistic = with_target.statistic
            and told.clock = with_target.clock
            and told.grain = with_target.grain
            and told.grain_key = with_target.grain_key
    left join with_benchmark
        on
            told.metric_key = with_benchmark.metric_key
            and told.statistic = with_benchmark.statistic
            and told.clock = with_benchmark.clock
),

judged as (
    select
        *,
        case
            when method = 'census' or sample_size >= {{ large_sample }} then 'high'
            when sample_size >= greatest(2 * min_sample, 20) then 'medium'
            else 'low'
        end as sample_confidence,
        case
            when coverage is null then 'unknown'
            when coverage >= {{ high_coverage }} then 'high'
            when coverage >= {{ low_coverage }} then 'medium'
            else 'low'
        end as coverage_confidence,
        case
            when lag_hours is null then 'unknown'
            when lag_hours <= {{ fresh_hours }} then 'high'
            when lag_hours <= {{ stale_hours }} then 'medium'
            else 'low'
        end as freshness_confidence

    from measured
),

final as (
    select
        -- grain
        metric_key,
        grain,
        grain_key,
        slice,
        slice_value,
        statistic,
        clock,
        bucket,
        bucket_start,

        -- parts
        sample_size,
        sample_confidence,
        coverage,
        coverage_confidence,
        lag_hours,
        freshness_confidence,
        has_target,
        has_benchmark,

        -- label
        case
            when 'low' in (sample_confidence, coverage_confidence, freshness_confidence)
                then 'low'
            when
                sample_confidence = 'high'
                and coverage_confidence in ('high', 'unknown')
                and freshness_confidence = 'high'
                and (coverage_confidence = 'high' or has_target or has_benchmark)
                then 'high'
            else 'medium'
        end as confidence,
        as_of

    from judged
)

select * from final
