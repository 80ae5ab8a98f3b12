with observations as (
    select * from {{ ref('floor_observations') }}
),

scores as (
    select * from observations
    where metric_key = 'driver_score'
),

favourable as (
    select * from observations
    where metric_key = 'driver_favourable_share'
),

response_rates as (
    select * from observations
    where metric_key = 'survey_response_rate'
),

final as (
    select
        -- grain
        scores.grain,
        scores.grain_key,
        scores.bucket,
        scores.bucket_start,
        scores.slice_value as driver,

        -- values
        scores.value as score,
        scores.lower_bound as score_lower,
        scores.upper_bound as score_upper,
        case when scores.status = 'ok' then favourable.value end as favourable_share,
        case when scores.status = 'ok' then favourable.lower_bound end as favourable_lower,
        case when scores.status = 'ok' then favourable.upper_bound end as favourable_upper,
        scores.sample_size,
        case when scores.status = 'ok' then response_rates.value end as response_rate,
        scores.status,
        scores.as_of

    from scores
    left join favourable
        on
            scores.grain = favourable.grain
            and scores.grain_key = favourable.grain_key
            and scores.bucket = favourable.bucket
            and scores.bucket_start = favourable.bucket_start
            and scores.slice_value = favourable.slice_value
    left join response_rates
        on
            scores.grain = response_rates.grain
            and scores.grain_key = response_rates.grain_key
            and scores.bucket = response_rates.bucket
            and scores.bucket_start = response_rates.bucket_start
)

select * from final
