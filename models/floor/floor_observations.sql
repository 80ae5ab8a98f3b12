with measured as (
    select * from {{ ref('floor_measured') }}
    union all
    select * from {{ ref('floor_wait_intensity') }}
    union all
    select * from {{ ref('floor_delivered') }}
    union all
    select * from {{ ref('floor_knowledge') }}
    union all
    select * from {{ ref('floor_surveys') }}
    union all
    select * from {{ ref('floor_driver_contributions') }}
    union all
    select * from {{ ref('floor_ai_adoption') }}
    union all
    select * from {{ ref('floor_ai_returns') }}
    union all
    select * from {{ ref('floor_attrition') }}
    union all
    select * from {{ ref('observed_data_quality') }}
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

final as (
    select
        measured.metric_key,
        measured.grain,
        measured.grain_key,
        measured.slice,
        measured.slice_value,
        measured.statistic,
        measured.clock,
        measured.bucket,
        measured.bucket_start,
        measured.value,
        measured.lower_bound,
        measured.upper_bound,
        measured.numerator,
        measured.denominator,
        measured.sample_size,
        measured.method,
        measured.status,
        cast(as_of.as_of as date) as as_of

    from measured
    cross join as_of
)

select * from final
