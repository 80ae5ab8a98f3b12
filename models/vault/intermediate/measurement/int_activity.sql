with lives as (
    select * from {{ ref('int_change_lives') }}
),

-- An account that nobody declared is nobody in particular: its work counts, it does not.
people as (
    select
        change_key,
        role,
        case when is_resolved then person_key end as person_key

    from {{ ref('int_change_people') }}
),

population_times as (
    select * from {{ ref('int_population_times') }}
),

work_in_progress as (
    select * from {{ ref('int_work_in_progress') }}
    where bucket = 'week'
),

completed as (
    select
        population_times.population,
        lives.author_kind,
        people.role,
        people.person_key,
        lives.change_key,
        lives.system_key,
        lives.team_key,
        lives.value_stream_key,
        population_times.counted_at

    from population_times
    inner join lives on population_times.change_key = lives.change_key
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

final as (
    select * from completed
    union all
    select * from in_progress
)

select * from final
