with lives as (
    select * from {{ ref('int_measured_work') }}
),

-- An account that nobody declared is nobody in particular: its work counts, it does not.
people as (
    select
        change_key,
        role,
        case when is_resolved then person_key end as person_key

    from {{ ref('int_measured_people') }}
),

population_times as (
    select * from {{ ref('int_population_times') }}
),

measurements as (
    select * from {{ ref('int_change_measurements') }}
),

work_in_progress as (
    select * from {{ ref('int_work_in_progress') }}
    where bucket = 'week'
),

under_way as (
    select * from {{ ref('int_work_under_way') }}
),

started_work as (
    select * from {{ ref('int_started_work') }}
    where bucket = 'week'
),

-- A share tells how many lie on either side, and a mean the sum of what is not zero: who is behind
-- that is counted too, of each of the shares that part a whole.
sides as (
    select
        measurements.change_key,
        measurements.metric_key || '__' || measurements.kind
        || case when measurements.stage = 'all' then '' else '__' || measurements.stage end
        || case
            when coalesce(measurements.numerator, measurements.amount) > 0 then '__with'
            else '__without'
        end as population,
        population_times.counted_at

    from measurements
    inner join population_times
        on
            measurements.change_key = population_times.change_key
            and measurements.population = population_times.population
    where measurements.kind in ('share', 'mean')
),

counted as (
    select
        change_key,
        population,
        counted_at

    from population_times
    union all
    select
        change_key,
        population,
        counted_at

    from sides
),

completed as (
    select
        counted.population,
        lives.author_kind,
        people.role,
        people.person_key,
        lives.change_key,
        lives.system_key,
        lives.team_key,
        lives.value_stream_key,
        counted.counted_at

    from counted
    inner join lives on counted.change_key = lives.change_key
    -- What nobody took part in is an event all the same.
    left join people on lives.change_key = people.change_key
),

-- Open work is counted once a week, at its end.
in_progress as (
    select
        'in_progress' as population,
        work_in_progress.author_kind,
        people.role,
        people.person_key,
        work_in_progress.change_key,
        work_in_progress.system_key,
        work_in_progress.team_key,
        work_in_progress.value_stream_key,
        {{ minutes_before('cast(work_in_progress.bucket_end as timestamp)', 1440) }} as counted_at

    from work_in_progress
    left join people
        on
            work_in_progress.change_key = people.change_key
            and people.role = 'author'
),

-- What was under way in a week is part of its load, finished or not.
in_weeks as (
    select
        'under_way' as population,
        under_way.author_kind,
        people.role,
        people.person_key,
        under_way.change_key,
        under_way.system_key,
        under_way.team_key,
        under_way.value_stream_key,
        {{ minutes_before('cast(under_way.week_end as timestamp)', 1440) }} as counted_at

    from under_way
    left join people
        on
            under_way.change_key = people.change_key
            and people.role = 'author'
),

started as (
    select
        'started' as population,
        started_work.author_kind,
        people.role,
        people.person_key,
        started_work.change_key,
        started_work.system_key,
        started_work.team_key,
        started_work.value_stream_key,
        started_work.started_at as counted_at

    from started_work
    left join people
        on
            started_work.change_key = people.change_key
            and people.role = 'author'
),

final as (
    select * from completed
    union all
    select * from in_progress
    union all
    select * from in_weeks
    union all
    select * from started
)

select * from final
