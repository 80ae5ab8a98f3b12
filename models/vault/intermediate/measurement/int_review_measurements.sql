with lives as (
    select * from {{ ref('int_change_lives') }}
),

rounds as (
    select * from {{ ref('int_review_rounds') }}
),

population_times as (
    select * from {{ ref('int_population_times') }}
),

waits as (
    select
        lives.change_key,
        {{ seconds_between('lives.ready_at', 'lives.first_review_at') }} as wall_seconds,
        lives.first_review_position - lives.ready_position as working_seconds

    from lives
    inner join population_times
        on
            lives.change_key = population_times.change_key
            and population_times.population = 'first_reviewed'
),

final as (
    select
        change_key,
        'time_to_first_review' as metric_key,
        'first_reviewed' as population,
        'quantile' as kind,
        'all' as stage,
        'wall' as clock,
        cast(wall_seconds as bigint) as amount,
        cast(null as bigint) as numerator,
        cast(null as bigint) as denominator

    from waits
    union all
    select
        change_key,
        'time_to_first_review' as metric_key,
        'first_reviewed' as population,
        'quantile' as kind,
        'all' as stage,
        'working' as clock,
        cast(working_seconds as bigint) as amount,
        cast(null as bigint) as numerator,
        cast(null as bigint) as denominator

    from waits
    union all
    select
        change_key,
        'review_rounds' as metric_key,
        'review_rounds' as population,
        'mean' as kind,
        'all' as stage,
        'none' as clock,
        round_count as amount,
        cast(null as bigint) as numerator,
        cast(null as bigint) as denominator

    from rounds
    union all
    select
        change_key,
        'review_rounds' as metric_key,
        'review_rounds' as population,
        'share' as kind,
        'all' as stage,
        'none' as clock,
        cast(null as bigint) as amount,
        case when round_count >= 3 then cast(1 as bigint) else cast(0 as bigint) end as numerator,
        cast(1 as bigint) as denominator

    from rounds
    union all
    select
        lives.change_key,
        'review_coverage' as metric_key,
        population_times.population,
        'share' as kind,
        'all' as stage,
        'none' as clock,
        cast(null as bigint) as amount,
        case when lives.is_approved then cast(1 as bigint) else cast(0 as bigint) end as numerator,
        cast(1 as bigint) as denominator

    from lives
    inner join population_times
        on
            lives.change_key = population_times.change_key
            and population_times.population = 'reviewable'
)

select * from final
