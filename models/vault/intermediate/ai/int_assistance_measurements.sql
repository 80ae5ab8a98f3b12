with assistance as (
    select * from {{ ref('int_change_assistance') }}
),

returns as (
    select * from {{ ref('int_change_returns') }}
),

waits as (
    select * from {{ ref('int_review_measurements') }}
    where
        metric_key = 'time_to_first_review'
        and clock = 'working'
),

population_times as (
    select * from {{ ref('int_population_times') }}
),

final as (
    select
        assistance.change_key,
        'ai_assisted_share' as metric_key,
        population_times.population,
        'share' as kind,
        case
            when population_times.population = 'assistance_known' then 'all'
            else assistance.risk_zone
        end as stage,
        'none' as clock,
        cast(null as bigint) as amount,
        case when assistance.is_assisted then cast(1 as bigint) else cast(0 as bigint) end
            as numerator,
        cast(1 as bigint) as denominator

    from assistance
    inner join population_times
        on
            assistance.change_key = population_times.change_key
            and population_times.population
            in ('assistance_known', 'zone_green', 'zone_yellow', 'zone_red')
    union all
    -- What comes back, of assisted changes and of all others: each half is a population by itself.
    select
        returns.change_key,
        'reopened_rate' as metric_key,
        population_times.population,
        'share' as kind,
        case
            when population_times.population = 'settled_assisted' then 'assisted'
            else 'unassisted'
        end as stage,
        'none' as clock,
        cast(null as bigint) as amount,
        case
            when returns.is_reopened or returns.is_reverted then cast(1 as bigint)
            else cast(0 as bigint)
        end as numerator,
        cast(1 as bigint) as denominator

    from returns
    inner join population_times
        on
            returns.change_key = population_times.change_key
            and population_times.population in ('settled_assisted', 'settled_unassisted')
    union all
    select
        waits.change_key,
        waits.metric_key,
        population_times.population,
        waits.kind,
        case
            when population_times.population = 'first_reviewed_assisted' then 'assisted'
            else 'unassisted'
        end as stage,
        waits.clock,
        waits.amount,
        waits.numerator,
        waits.denominator

    from waits
    inner join population_times
        on
            waits.change_key = population_times.change_key
            and population_times.population
            in ('first_reviewed_assisted', 'first_reviewed_unassisted')
)

select * from final
