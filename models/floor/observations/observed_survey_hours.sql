with scores as (
    select * from {{ ref('floor_survey_scores') }}
    where kind = 'hours'
),

ranks as (
    select * from {{ ref('order_statistic_ranks') }}
),

grouped as (
    {{ at_each_grain('scores', columns=[
        'quarter_start', 'driver', 'amount',
    ], grains=('portfolio', 'value_stream', 'team')) }}
),

-- People who say the same may stand in any order: their hours are equal.
ranked as (
    select
        *,
        row_number() over (
            partition by quarter_start, driver, grain, grain_key order by amount
        ) as place,
        count(*) over (partition by quarter_start, driver, grain, grain_key) as people

    from grouped
),

bounded as (
    select
        ranked.*,
        -- Between two decimals lies none.
        cast(ranked.amount as {{ type_double() }}) as hours,
        {%- for quantile in ['p50', 'p85'] %}
        {{ order_statistic_rank(quantile, 'lower', 'ranked.people') }} as {{ quantile }}_lower,
        {{ order_statistic_rank(quantile, 'upper', 'ranked.people') }} as {{ quantile }}_upper
        {%- if not loop.last %},{% endif %}
        {%- endfor %}

    from ranked
    left join ranks on ranked.people = ranks.observation_count
),

-- No bound may be one person's extreme: five people lie beyond it.
summarised as (
    select
        quarter_start,
        driver,
        grain,
        grain_key,
        count(*) as people_count,
        {%- for quantile, share in [('p50', 0.5), ('p85', 0.85)] %}
        {{ percentile('hours', share) }} as {{ quantile }},
        max(case when place = {{ quantile }}_lower then amount end) as {{ quantile }}_lower_bound,
        max(case when place = {{ quantile }}_upper then amount end) as {{ quantile }}_upper_bound,
        sum(case when place < {{ quantile }}_lower then 1 else 0 end) as {{ quantile }}_below,
        sum(case when place > {{ quantile }}_upper then 1 else 0 end) as {{ quantile }}_above
        {%- if not loop.last %},{% endif %}
        {%- endfor %}

    from bounded
    group by quarter_start, driver, grain, grain_key
),

final as (
    {%- for quantile in ['p50', 'p85'] %}
    select
        driver || '_hours' as metric_key,
        'all' as slice,
        'all' as slice_value,
        '{{ quantile }}' as statistic,
        driver,
        'hours' as kind,
        grain,
        grain_key,
        quarter_start,
        cast({{ quantile }} as numeric(18, 6)) as value,
        cast({{ quantile }}_lower_bound as numeric(18, 6)) as lower_bound,
        cast({{ quantile }}_upper_bound as numeric(18, 6)) as upper_bound,
        cast(people_count as bigint) as people_count,
        cast({{ people_band('people_count') }} as bigint) as sample_size,
        'order_statistics' as method,
        {{ quantile }}_below >= 5 and {{ quantile }}_above >= 5 as is_supported

    from summarised
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
)

select * from final
