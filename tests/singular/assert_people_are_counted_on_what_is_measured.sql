{{ config(group='vault') }}
-- A figure rests on the very changes whose people the floor counts: no more, no fewer.
with measured as (
    select distinct
        metric_key,
        stage,
        population,
        change_key
    from {{ ref('int_change_measurements') }}
),

population_times as (
    select * from {{ ref('int_population_times') }}
),

measured_counts as (
    select
        metric_key,
        stage,
        population,
        count(*) as change_count

    from measured
    group by metric_key, stage, population
),

population_counts as (
    select
        population,
        count(*) as change_count

    from population_times
    group by population
),

outside as (
    select measured.*
    from measured
    left join population_times
        on
            measured.change_key = population_times.change_key
            and measured.population = population_times.population
    where population_times.change_key is null
)

select
    metric_key,
    stage,
    population,
    count(*) as change_count

from outside
group by metric_key, stage, population
union all
select
    measured_counts.metric_key,
    measured_counts.stage,
    measured_counts.population,
    population_counts.change_count - measured_counts.change_count as change_count

from measured_counts
inner join population_counts on measured_counts.population = population_counts.population
where measured_counts.change_count != population_counts.change_count
