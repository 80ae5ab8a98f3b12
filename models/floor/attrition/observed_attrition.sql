{#- The prior: as if so many person-years more had gone like those of the whole. A constant, for
    three groups do not tell how far groups lie apart. -#}
{%- set prior_person_years = 100 -%}
with cells as (
    select * from {{ ref('floor_attrition_cells') }}
),

wholes as (
    select
        quarter_start,
        person_years,
        leaver_count,
        leaver_count * 1.0 / person_years as rate

    from cells
    where
        experience_third = 'all'
        and is_open
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
        ) as stayed

    from cells
    inner join wholes on cells.quarter_start = wholes.quarter_start
    where cells.experience_third != 'all'
),

-- Log odds of a beta are near normal: digamma(a) is near ln(a - 1/2), trigamma(a) near 1/(a - 1/2).
odds as (
    select
        *,
        ln((gone - 0.5) / (stayed - 0.5)) as log_odds,
        1.959964 * sqrt(1 / (gone - 0.5) + 1 / (stayed - 0.5)) as half_width

    from posteriors
),

thirds as (
    select
        quarter_start,
        experience_third,
        person_years,
        leaver_count,
        gone / (gone + stayed) as value,
        1 / (1 + exp(half_width - log_odds)) as lower_bound,
        1 / (1 + exp(-half_width - log_odds)) as upper_bound

    from odds
),

differences as (
    select
        lowest.quarter_start,
        lowest.person_years + highest.person_years as person_years,
        lowest.value - highest.value as value,
        sqrt(
            power(lowest.value - lowest.lower_bound, 2)
            + power(highest.upper_bound - highest.value, 2)
        ) as below,
        sqrt(
            power(lowest.upper_bound - lowest.value, 2)
            + power(highest.value - highest.lower_bound, 2)
        ) as above

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
        value - below as lower_bound,
        value + above as upper_bound,
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
