with outside_reviews as (
    select * from {{ ref('int_outside_reviews') }}
),

population_times as (
    select * from {{ ref('int_population_times') }}
),

final as (
    select
        outside_reviews.change_key,
        'knowledge_flow' as metric_key,
        population_times.population,
        'share' as kind,
        'all' as stage,
        'none' as clock,
        cast(null as bigint) as amount,
        case
            when outside_reviews.is_reviewed_from_outside then cast(1 as bigint)
            else cast(0 as bigint)
        end as numerator,
        cast(1 as bigint) as denominator

    from outside_reviews
    inner join population_times
        on
            outside_reviews.change_key = population_times.change_key
            and population_times.population = 'reviewed'
)

select * from final
