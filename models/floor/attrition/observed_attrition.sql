{#- The prior: as if so many person-years more had gone like those of the whole. A constant, for
    three groups do not tell how far groups lie apart. -#}
{%- set prior_person_years = 100 -%}
with cells as (
    select * from {{ ref('floor_attrition_cells') }}
),

-- How far the rate of all may itself lie off what the groups spread around.
wholes as (
    select
        quarter_start,
        sum(leaver_count) * 1.0 / sum(person_years) as rate,
        sum(leaver_count) as leaver_count,
        sum(person_years) as person_years,
        sum(person_years * (person_years + {{ prior_person_years }}))
        / (({{ prior_person_years }} + 1.0) * sum(person_years) * sum(person_years))
            as variance_share

    from cells
    where
        experience_third != 'all'
        and is_open
    group by quarter_start
),

-- Beta posterior of each third: those who left, and those who stayed.
posteriors as (
    select
        cells.quarter_start,
        cells.experience_third,
        cells.person_years,
        cells.leaver_count,
        cast(
            cells.leaver_count + {{ prior_person_years }} * wholes.rate as {{ type_double() }}
        ) as gone,
        cast(
            cells.person_years - cells.leaver_count + {{ prior_person_years }} * (1 - wholes.rate)
            as {{ type_double() }}
        ) as stayed,
        {{ prior_person_years }} / (cells.person_years + {{ prior_person_years }}) as prior_weight,
        wholes.rate * (1 - wholes.rate) * wholes.variance_share as prior_variance

    from cells
    inner join wholes on cells.quarter_start = wholes.quarter_start
    where cells.experience_third != 'all'
),

-- Log odds of a beta are near normal: digamma(a) is near ln(a - 1/2), trigamma(a) near 1/(a - 1/2).
odds as (
    select
        *,
        gone / (gone + stayed) as value,
        ln((gone - 0.5) / (stayed - 0.5)) as log_odds,
        1 / (gone - 0.5) + 1 / (stayed - 0.5) as own_variance,
        power(prior_weight * (gone + stayed) * (gone + stayed) / (gone * stayed), 2)
        * prior_variance as shared_variance

    from posteriors
),

-- What is uncertain in the rate of all is so for each third alike: a difference has its own alone.
widths as (
    select
        *,
        1.959964 * sqrt(own_variance) as own_width,
        1.959964 * sqrt(own_variance + shared_variance) as width

    from odds
),

thirds as (
    select
        quarter_start,
        experience_third,
        person_years,
        leaver_count,
        prior_weight,
        prior_variance,
        value,
        1 / (1 + exp(own_width - log_odds)) as own_lower,
        1 / (1 + exp(-own_width - log_odds)) as own_upper,
        1 / (1 + exp(width - log_odds)) as lower_bound,
        1 / (1 + exp(-width - log_odds)) as upper_bound

    from widths
),

differences as (
    select
        lowest.quarter_start,
        lowest.person_years + highest.person_years as person_years,
        lowest.value - highest.value as value,
        power(lowest.value - lowest.own_lower, 2)
        + power(highest.own_upper - highest.value, 2) as below,
        power(lowest.own_upper - lowest.value, 2)
        + power(highest.value - highest.own_lower, 2) as above,
        -- Thirds of unlike size are not drawn to the rate of all alike.
        3.841459 * power(lowest.prior_weight - highest.prior_weight, 2) * lowest.prior_variance
            as shared

    from thirds as lowest
    inner join thirds as highest
        on
            lowest.quarter_start = highest.quarter_start
            and highest.experience_third = 'highest'
    where lowest.experience_third = 'lowest'
),

unioned as (
    select
        quarter_start,
        'experience_third' as slice,
        experience_third as slice_value,
        'share' as statistic,
        value,
        lower_bound,
        upper_bound,
        leaver_count as numerator,
        person_years as denominator,
        person_years,
        'beta_logit' as method

    from thirds
    union all
    select
        quarter_start,
        'all' as slice,
        'all' as slice_value,
        'share' as statistic,
        rate as value,
        {{ wilson('leaver_count', 'person_years', 'lower') }} as lower_bound,
        {{ wilson('leaver_count', 'person_years', 'upper') }} as upper_bound,
        leaver_count as numerator,
        person_years as denominator,
        person_years,
        'wilson' as method

    from wholes
    union all
    select
        quarter_start,
        'experience_third' as slice,
        'lowest_less_highest' as slice_value,
        'difference' as statistic,
        value,
        value - sqrt(below + shared) as lower_bound,
        value + sqrt(above + shared) as upper_bound,
        null as numerator,
        null as denominator,
        person_years,
        'mover' as method

    from differences
    union all
    select
        quarter_start,
        case when experience_third = 'all' then 'all' else 'experience_third' end as slice,
        experience_third as slice_value,
        'share' as statistic,
        null as value,
        0 as lower_bound,
        0.1 as upper_bound,
        null as numerator,
        null as denominator,
        person_years,
        'band' as method

    from cells
    where is_banded
),

-- Doubles end here: what follows compares and cuts exact decimals.
final as (
    select
        'attrition_risk' as metric_key,
        quarter_start,
        slice,
        slice_value,
        statistic,
        cast(value as numeric(18, 6)) as value,
        cast(lower_bound as numeric(18, 6)) as lower_bound,
        cast(upper_bound as numeric(18, 6)) as upper_bound,
        cast(numerator as numeric(18, 6)) as numerator,
        cast(denominator as numeric(18, 6)) as denominator,
        cast(round(person_years) as bigint) as sample_size,
        method

    from unioned
)

select * from final
