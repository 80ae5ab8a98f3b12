{{ config(group='vault') }}
-- Withheld looks the same whatever the reason; what passed has a range that holds its value.
with observations as (
    select * from {{ ref('floor_observations') }}
)

select
    metric_key,
    grain,
    grain_key,
    bucket,
    bucket_start,
    status

from observations
where
    (
        status != 'ok'
        and (
            coalesce(value, lower_bound, upper_bound, numerator, denominator) is not null
            or sample_size is not null
            or method is not null
        )
    )
    -- An index has no range.
    or (status = 'ok' and method != 'gini' and lower_bound is null)
    -- A bus factor of three and more, told as a band, has no upper end.
    or (
        status = 'ok'
        and method != 'gini'
        and upper_bound is null
        and not (metric_key = 'bus_factor' and method = 'band')
    )
    or (status = 'ok' and method is null)
    or (status = 'ok' and (value < lower_bound or value > upper_bound or lower_bound > upper_bound))
    or (status = 'ok' and value is null and method != 'band')
