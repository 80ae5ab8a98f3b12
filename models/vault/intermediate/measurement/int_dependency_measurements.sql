with waits as (
    select * from {{ ref('int_dependency_waits') }}
),

population_times as (
    select * from {{ ref('int_population_times') }}
),

final as (
    select
        waits.change_key,
        'dependency_wait' as metric_key,
        population_times.population,
        'ratio' as kind,
        'all' as stage,
        'working' as clock,
        cast(null as bigint) as amount,
        cast(waits.dependency_seconds as bigint) as numerator,
        cast(waits.waiting_seconds as bigint) as denominator

    from waits
    inner join population_times
        on
            waits.change_key = population_times.change_key
            and population_times.population = 'whole_life_tracked'
)

select * from final
