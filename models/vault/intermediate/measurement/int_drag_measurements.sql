with sizes as (
    select * from {{ ref('int_change_sizes') }}
),

returns as (
    select * from {{ ref('int_change_returns') }}
),

ci_waits as (
    select * from {{ ref('int_change_ci_waits') }}
),

population_times as (
    select * from {{ ref('int_population_times') }}
),

sized as (
    select sizes.*
    from sizes
    inner join population_times
        on
            sizes.change_key = population_times.change_key
            and population_times.population = 'sized'
),

settled as (
    select returns.*
    from returns
    inner join population_times
        on
            returns.change_key = population_times.change_key
            and population_times.population = 'settled'
),

waited as (
    select ci_waits.*
    from ci_waits
    inner join population_times
        on
            ci_waits.change_key = population_times.change_key
            and population_times.population = 'integration_with_ci'
),

final as (
    select
        change_key,
        'change_size' as metric_key,
        'sized' as population,
        'quantile' as kind,
        'all' as stage,
        'none' as clock,
        changed_lines as amount,
        cast(null as bigint) as numerator,
        cast(null as bigint) as denominator

    from sized
    union all
    select
        change_key,
        'large_change_share' as metric_key,
        'sized' as population,
        'share' as kind,
        'all' as stage,
        'none' as clock,
        cast(null as bigint) as amount,
        case
            when changed_lines > {{ setting('large_change_lines') }} then cast(1 as bigint)
            else cast(0 as bigint)
        end as numerator,
        cast(1 as bigint) as denominator

    from sized
    union all
    select
        change_key,
        'reopened_rate' as metric_key,
        'settled' as population,
        'share' as kind,
        'all' as stage,
        'none' as clock,
        cast(null as bigint) as amount,
        case
            when is_reopened or is_reverted then cast(1 as bigint)
            else cast(0 as bigint)
        end as numerator,
        cast(1 as bigint) as denominator

    from settled
    union all
    select
        change_key,
        'ci_hours_waiting' as metric_key,
        'integration_with_ci' as population,
        'quantile' as kind,
        'all' as stage,
        'working' as clock,
        cast(ci_waiting_seconds as bigint) as amount,
        cast(null as bigint) as numerator,
        cast(null as bigint) as denominator

    from waited
)

select * from final
