with work_in_progress as (
    select * from {{ ref('int_work_in_progress') }}
),

cells as (
    {%- for grain, grain_key in [
        ('team', 'team_key'),
        ('value_stream', 'value_stream_key'),
        ('system', 'system_key'),
        ('portfolio', "'all'"),
    ] %}
    select
        case when author_kind = 'human' then 'all' else 'author_kind' end as slice,
        case when author_kind = 'human' then 'all' else 'bot' end as slice_value,
        '{{ grain }}' as grain,
        {{ grain_key }} as grain_key,
        bucket,
        bucket_start,
        age_seconds

    from work_in_progress
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

counted as (
    select
        slice,
        slice_value,
        grain,
        grain_key,
        bucket,
        bucket_start,
        count(*) as sample_size,
        {{ percentile('age_seconds', 0.5) }} as p50,
        {{ percentile('age_seconds', 0.85) }} as p85

    from cells
    group by slice, slice_value, grain, grain_key, bucket, bucket_start
),

valued as (
    select
        'flow_load' as metric_key,
        slice,
        slice_value,
        'count' as statistic,
        'none' as clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        sample_size,
        cast(sample_size as {{ type_double() }}) as value

    from counted
    union all
    select
        'work_age' as metric_key,
        slice,
        slice_value,
        'p50' as statistic,
        'wall' as clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        sample_size,
        p50 / 3600.0 as value

    from counted
    union all
    select
        'work_age' as metric_key,
        slice,
        slice_value,
        'p85' as statistic,
        'wall' as clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        sample_size,
        p85 / 3600.0 as value

    from counted
),

-- What is in progress is counted whole: the bounds are the value.
ranged as (
    select
        metric_key,
        slice,
        slice_value,
        statistic,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        value,
        value as lower_bound,
        value as upper_bound,
        cast(null as {{ type_double() }}) as numerator,
        cast(null as {{ type_double() }}) as denominator,
        sample_size,
        'census' as method,
        true as is_supported

    from valued
),

-- Doubles end here: what follows compares and cuts exact decimals.
final as (
    {{ exact_observation('ranged') }}
)

select * from final
