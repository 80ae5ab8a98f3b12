{{ config(group='vault') }}
-- A range holds its value, a share is of what it is a part of, and only a trend is below nothing.
with observations as (
    {%- for relation in [
        'observed_system_states', 'observed_per_hundred', 'observed_coverage_trends',
    ] %}
    select * from {{ ref(relation) }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
)

select
    metric_key,
    grain,
    grain_key,
    bucket,
    bucket_start

from observations
where
    lower_bound > value
    or upper_bound < value
    or (statistic = 'share' and (numerator > denominator or value > 1))
    or (statistic != 'trend' and value < 0)
