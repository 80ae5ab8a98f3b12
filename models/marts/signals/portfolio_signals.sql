with observations as (
    select * from {{ ref('floor_observations') }}
    where
        grain = 'portfolio'
        and bucket = 'quarter'
        and slice = 'all'
),

metrics as (
    select * from {{ ref('metrics') }}
    where roll_up != 'never'
),

benchmarks as (
    select * from {{ ref('benchmarks') }}
),

-- A row per report and group of respondents, and one where nobody reports.
final as (
    select
        -- grain
        observations.metric_key,
        observations.grain,
        observations.grain_key,
        observations.statistic,
        observations.clock,
        observations.bucket,
        observations.bucket_start,
        coalesce(benchmarks.year, 'none') as benchmark_year,
        coalesce(benchmarks.level, 'none') as benchmark_level,

        -- value
        observations.value,
        observations.lower_bound,
        observations.upper_bound,
        observations.status,

        -- what others report
        case when observations.status = 'ok' then cast(benchmarks.lower as numeric(18, 4)) end
            as benchmark_lower,
        case when observations.status = 'ok' then cast(benchmarks.upper as numeric(18, 4)) end
            as benchmark_upper,
        case
            when observations.status = 'ok' then cast(benchmarks.respondent_share as numeric(18, 4))
        end as respondent_share,
        observations.as_of

    from observations
    inner join metrics on observations.metric_key = metrics.metric_key
    left join benchmarks
        on
            observations.metric_key = benchmarks.metric_key
            and observations.statistic = benchmarks.statistic
            and observations.clock = benchmarks.clock
)

select * from final
