{#- Constants of the floor (O13): a mean is told no nearer to the ends than this, and as if answers
    spread this far at least, so that neither tells that all of a team agree. -#}
{%- set least_mean = 1.3 -%}
{%- set greatest_mean = 4.7 -%}
{%- set least_spread = 0.75 -%}
with scores as (
    select * from {{ ref('floor_survey_scores') }}
    where kind = 'score'
),

cells as (
    select * from {{ ref('floor_survey_cells') }}
),

grouped as (
    {{ at_each_grain('scores', columns=[
        'quarter_start', 'driver', 'amount',
    ], grains=('portfolio', 'value_stream', 'team')) }}
),

summed as (
    select
        quarter_start,
        driver,
        grain,
        grain_key,
        count(*) as people_count,
        cast(sum(amount) as {{ type_double() }}) / count(*) as mean,
        cast(sum(amount * amount) as {{ type_double() }}) as sum_of_squares

    from grouped
    group by quarter_start, driver, grain, grain_key
),

spread as (
    select
        *,
        least(greatest(mean, {{ least_mean }}), {{ greatest_mean }}) as told_mean,
        sqrt(
            greatest(sum_of_squares - people_count * mean * mean, 0) / (people_count - 1.0)
        ) as deviation

    from summed
    where people_count > 1
),

-- Where all but agree, the range says no more than that: the least spread, of the fewest people
-- that the band may hold.
widened as (
    select
        *,
        case
            when told_mean = mean and deviation >= {{ least_spread }} then deviation
            else {{ least_spread }}
        end as told_deviation,
        case
            when told_mean = mean and deviation >= {{ least_spread }} then people_count
            else {{ people_band('people_count') }}
        end as told_people

    from spread
),

ranged as (
    select
        *,
        {{ t_quantile('(told_people - 1.0)') }} * told_deviation / sqrt(told_people) as half_width

    from widened
),

means as (
    select
        'driver_score' as metric_key,
        'driver' as slice,
        driver as slice_value,
        'mean' as statistic,
        driver,
        'mean' as kind,
        grain,
        grain_key,
        quarter_start,
        told_mean as value,
        greatest(told_mean - half_width, 1) as lower_bound,
        least(told_mean + half_width, 5) as upper_bound,
        people_count,
        't' as method,
        true as is_supported

    from ranged
),

-- The range of a share would tell how many there are: below twenty it is that of its band's fewest.
banded as (
    select
        *,
        inside_count * 1.0 / people_count as share,
        case when people_count < 20 then {{ people_band('people_count') }} else people_count end
            as told_people

    from cells
    where kind = 'share'
),

-- Few on one side are a tenth at most where twenty or more answered: told as the band, not closer.
shares as (
    select
        'driver_favourable_share' as metric_key,
        'driver' as slice,
        driver as slice_value,
        'share' as statistic,
        driver,
        kind,
        grain,
        grain_key,
        quarter_start,
        case when is_open then share end as value,
        case
            when is_open then {{ wilson('(share * told_people)', 'told_people', 'lower') }}
            when inside_count < outside_count then 0
            else 0.9
        end as lower_bound,
        case
            when is_open then {{ wilson('(share * told_people)', 'told_people', 'upper') }}
            when inside_count < outside_count then 0.1
            else 1
        end as upper_bound,
        people_count,
        case when is_open then 'wilson' else 'band' end as method,
        is_open or (people_count >= 20 and least(inside_count, outside_count) < 3) as is_supported

    from banded
),

rates as (
    select
        'survey_response_rate' as metric_key,
        'all' as slice,
        'all' as slice_value,
        'share' as statistic,
        driver,
        kind,
        grain,
        grain_key,
        quarter_start,
        people_count * 1.0 / (people_count + outside_count) as value,
        people_count * 1.0 / (people_count + outside_count) as lower_bound,
        people_count * 1.0 / (people_count + outside_count) as upper_bound,
        people_count,
        'census' as method,
        true as is_supported

    from cells
    where
        kind = 'rate'
        and outside_count >= 0
        and people_count > 0
),

unioned as (
    {%- for kind in ['means', 'shares', 'rates'] %}
    select
        metric_key,
        slice,
        slice_value,
        statistic,
        driver,
        kind,
        grain,
        grain_key,
        quarter_start,
        cast(value as {{ type_double() }}) as value,
        cast(lower_bound as {{ type_double() }}) as lower_bound,
        cast(upper_bound as {{ type_double() }}) as upper_bound,
        people_count,
        method,
        is_supported

    from {{ kind }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

-- Doubles end here: what follows compares and cuts exact decimals.
final as (
    select
        metric_key,
        slice,
        slice_value,
        statistic,
        driver,
        kind,
        grain,
        grain_key,
        quarter_start,
        cast(value as numeric(18, 6)) as value,
        cast(lower_bound as numeric(18, 6)) as lower_bound,
        cast(upper_bound as numeric(18, 6)) as upper_bound,
        cast(people_count as bigint) as people_count,
        cast({{ people_band('people_count') }} as bigint) as sample_size,
        method,
        is_supported

    from unioned
)

select * from final
