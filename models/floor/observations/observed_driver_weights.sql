{#- Drivers of experience, in the order in which the sweep takes them. -#}
{%- set drivers = [
    'autonomy', 'build_and_test', 'code_review', 'collaboration', 'deep_work', 'documentation',
    'ease_of_release', 'environments', 'learning', 'on_call', 'requirements_clarity', 'tooling',
] -%}
{#- What ridge regression adds to the correlation of a driver with itself: fixed, so that the same
    answers give the same weights. -#}
{%- set ridge = 0.1 -%}
with scores as (
    select * from {{ ref('floor_survey_scores') }}
    where kind = 'score'
),

asked as (
    select
        quarter_start,
        count(distinct driver) as driver_count

    from scores
    group by quarter_start
),

-- Who answered all that was asked in the wave: of others the whole is not known.
complete as (
    select
        scores.quarter_start,
        scores.person_key

    from scores
    inner join asked on scores.quarter_start = asked.quarter_start
    group by scores.quarter_start, scores.person_key, asked.driver_count
    having count(*) = asked.driver_count
),

answers as (
    select
        scores.quarter_start,
        scores.person_key,
        scores.driver,
        scores.amount

    from scores
    inner join complete
        on
            scores.quarter_start = complete.quarter_start
            and scores.person_key = complete.person_key
),

products as (
    select
        one.quarter_start,
        one.driver as row_driver,
        other.driver as column_driver,
        count(*) as people_count,
        cast(sum(one.amount) as {{ type_double() }}) as row_sum,
        cast(sum(other.amount) as {{ type_double() }}) as column_sum,
        cast(sum(one.amount * other.amount) as {{ type_double() }}) as product

    from answers as one
    inner join answers as other
        on
            one.quarter_start = other.quarter_start
            and one.person_key = other.person_key
    group by one.quarter_start, one.driver, other.driver
),

covariances as (
    select
        quarter_start,
        row_driver,
        column_driver,
        people_count,
        (product - row_sum * column_sum / people_count) / (people_count - 1.0) as covariance

    from products
    where people_count > 1
),

deviations as (
    select
        quarter_start,
        row_driver as driver,
        people_count,
        nullif(sqrt(greatest(covariance, 0)), 0) as deviation

    from covariances
    where row_driver = column_driver
),

correlations as (
    select
        covariances.quarter_start,
        covariances.row_driver,
        covariances.column_driver,
        covariances.covariance / rows_of.deviation / columns_of.deviation as linked

    from covariances
    inner join deviations as rows_of
        on
            covariances.quarter_start = rows_of.quarter_start
            and covariances.row_driver = rows_of.driver
    inner join deviations as columns_of
        on
            covariances.quarter_start = columns_of.quarter_start
            and covariances.column_driver = columns_of.driver
),

swept_0 as (
    select
        quarter_start,
        row_driver,
        column_driver,
        linked
        + case
            when row_driver = column_driver and row_driver != 'overall' then {{ ridge }}
            else 0
        end as entry

    from correlations
),

-- The sweep operator (Goodnight, 1979): taken over all drivers it leaves the inverse of their
-- matrix in its place, and the coefficients in the column of the whole.
{% for driver in drivers %}
pivoted_{{ loop.index }} as (
    select
        *,
        max(case when row_driver = '{{ driver }}' and column_driver = '{{ driver }}' then entry end)
            over (partition by quarter_start)
            as corner,
        max(case when column_driver = '{{ driver }}' then entry end)
            over (partition by quarter_start, row_driver)
            as in_column,
        max(case when row_driver = '{{ driver }}' then entry end)
            over (partition by quarter_start, column_driver)
            as in_row

    from swept_{{ loop.index0 }}
),

swept_{{ loop.index }} as (
    select
        quarter_start,
        row_driver,
        column_driver,
        case
            -- Nobody was asked for this driver.
            when corner is null then entry
            when row_driver = '{{ driver }}' and column_driver = '{{ driver }}' then 1 / corner
            when row_driver = '{{ driver }}' then entry / corner
            when column_driver = '{{ driver }}' then -entry / corner
            else entry - in_column * in_row / corner
        end as entry

    from pivoted_{{ loop.index }}
),

{% endfor %}
-- Doubles add up differently in another order: what is summed is decimal.
entries as (
    select
        quarter_start,
        row_driver,
        column_driver,
        cast(entry as numeric(18, 9)) as entry

    from swept_{{ drivers | length }}
    where row_driver != 'overall'
),

by_driver as (
    select
        quarter_start,
        row_driver as driver,
        max(case when column_driver = 'overall' then entry end) as beta,
        max(case when column_driver = row_driver then entry end) as inverse,
        cast(
            sum(case when column_driver != 'overall' then entry * entry end) as {{ type_double() }}
        ) as inverse_squared

    from entries
    group by quarter_start, row_driver
),

-- Of the whole's variance, and of the degrees of freedom that the drivers take.
fits as (
    select
        by_driver.quarter_start,
        cast(
            sum(
                by_driver.beta * cast(correlations.linked as numeric(18, 9))
                + {{ ridge }} * by_driver.beta * by_driver.beta
            ) as {{ type_double() }}
        ) as fit,
        count(*) - {{ ridge }} * cast(sum(by_driver.inverse) as {{ type_double() }}) as degrees

    from by_driver
    inner join correlations
        on
            by_driver.quarter_start = correlations.quarter_start
            and by_driver.driver = correlations.row_driver
    where correlations.column_driver = 'overall'
    group by by_driver.quarter_start
),

scaled as (
    select
        by_driver.quarter_start,
        by_driver.driver,
        whole.people_count,
        whole.people_count - 1 - fits.degrees as free_degrees,
        by_driver.beta * whole.deviation / own.deviation as weight,
        sqrt(
            greatest(1 - fits.fit, 0) / (whole.people_count - 1 - fits.degrees)
            * greatest(by_driver.inverse - {{ ridge }} * by_driver.inverse_squared, 0)
        ) * whole.deviation / own.deviation as standard_error

    from by_driver
    inner join fits on by_driver.quarter_start = fits.quarter_start
    inner join deviations as own
        on
            by_driver.quarter_start = own.quarter_start
            and by_driver.driver = own.driver
    inner join deviations as whole
        on
            by_driver.quarter_start = whole.quarter_start
            and whole.driver = 'overall'
    where whole.people_count > 2 + fits.degrees
),

unioned as (
    select
        'devex_driver_weight' as metric_key,
        'driver' as slice,
        driver as slice_value,
        'coefficient' as statistic,
        driver,
        quarter_start,
        weight as value,
        weight - {{ t_quantile('free_degrees') }} * standard_error as lower_bound,
        weight + {{ t_quantile('free_degrees') }} * standard_error as upper_bound,
        people_count,
        'ridge_t' as method

    from scaled
    union all
    select
        'devex_fit' as metric_key,
        'all' as slice,
        'all' as slice_value,
        'share' as statistic,
        'overall' as driver,
        fits.quarter_start,
        fits.fit as value,
        fits.fit as lower_bound,
        fits.fit as upper_bound,
        deviations.people_count,
        'census' as method

    from fits
    inner join deviations on fits.quarter_start = deviations.quarter_start
    where deviations.driver = 'overall'
),

final as (
    select
        metric_key,
        slice,
        slice_value,
        statistic,
        driver,
        'mean' as kind,
        'portfolio' as grain,
        'all' as grain_key,
        quarter_start,
        cast(value as numeric(18, 6)) as value,
        cast(lower_bound as numeric(18, 6)) as lower_bound,
        cast(upper_bound as numeric(18, 6)) as upper_bound,
        cast(people_count as bigint) as people_count,
        cast({{ people_band('people_count') }} as bigint) as sample_size,
        method,
        value is not null as is_supported

    from unioned
)

select * from final
