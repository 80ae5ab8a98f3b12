with spine as (
    select * from {{ ref('floor_spine') }}
    where class = 'X'
),

observed as (
    select * from {{ ref('observed_attrition') }}
),

-- Years that overlap would tell of one quarter alone: a year ends with the calendar's.
year_ends as (
    select *
    from spine
    where
        bucket = 'quarter'
        and extract(year from {{ dbt.dateadd('day', 140, 'bucket_start') }})
        > extract(year from {{ dbt.dateadd('day', 45, 'bucket_start') }})
),

judged as (
    select
        year_ends.metric_key,
        year_ends.grain,
        year_ends.grain_key,
        year_ends.slice,
        year_ends.slice_value,
        year_ends.statistic,
        year_ends.clock,
        year_ends.bucket,
        year_ends.bucket_start,
        observed.value,
        observed.lower_bound,
        observed.upper_bound,
        observed.numerator,
        observed.denominator,
        observed.sample_size,
        observed.method,
        year_ends.precision_step,
        case
            when year_ends.measurability != 'ok' then year_ends.measurability
            when observed.metric_key is not null then 'ok'
            else 'withheld'
        end as status

    from year_ends
    left join observed
        on
            year_ends.metric_key = observed.metric_key
            and year_ends.slice = observed.slice
            and year_ends.slice_value = observed.slice_value
            and year_ends.statistic = observed.statistic
            and year_ends.bucket_start = observed.quarter_start
    where year_ends.grain = 'portfolio'
),

final as (
    {{ told_observation('judged') }}
)

select * from final
