with headcounts as (
    select * from {{ ref('int_headcounts') }}
),

-- What everybody may read: so that who is in which third gives away no score that is hidden.
scores as (
    select * from {{ ref('floor_surveys') }}
    where
        metric_key = 'driver_score'
        and slice_value = 'overall'
        and grain = 'team'
        and status = 'ok'
),

-- Three quarters are no year, and no rate of a year.
years as (
    select
        year_number,
        team_key,
        max(quarter_start) as quarter_start,
        -- A quarter's people are a quarter of a year each.
        cast(sum(people_count) / 4 as numeric(12, 3)) as person_years,
        sum(leaver_count) as leaver_count

    from headcounts
    group by year_number, team_key
    having
        count(*) = 4
        and sum(people_count) > 0
),

year_ends as (
    select distinct quarter_start from years
),

waves as (
    select
        year_ends.quarter_start,
        max(scores.bucket_start) as wave_start

    from year_ends
    inner join scores on year_ends.quarter_start >= scores.bucket_start
    group by year_ends.quarter_start
),

placed as (
    select
        years.quarter_start,
        years.team_key,
        years.person_years,
        years.leaver_count,
        row_number() over (
            partition by years.quarter_start order by scores.value, years.team_key
        ) as place,
        count(*) over (partition by years.quarter_start) as team_count

    from years
    inner join waves on years.quarter_start = waves.quarter_start
    inner join scores
        on
            waves.wave_start = scores.bucket_start
            and years.team_key = scores.grain_key
),

final as (
    select
        quarter_start,
        team_key,
        case
            when 3 * (place - 1) < team_count then 'lowest'
            when 3 * (place - 1) < 2 * team_count then 'middle'
            else 'highest'
        end as experience_third,
        person_years,
        cast(leaver_count as bigint) as leaver_count

    from placed
)

select * from final
