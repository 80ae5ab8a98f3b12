with lives as (
    select * from {{ ref('int_change_lives') }}
),

stages as (
    select * from {{ ref('int_change_stages') }}
),

ci_waits as (
    select * from {{ ref('int_change_ci_waits') }}
),

request_deliveries as (
    select * from {{ ref('int_request_deliveries') }}
),

-- Which change belongs to which set is said once: people are counted on the very same sets.
population_times as (
    select * from {{ ref('int_population_times') }}
),

flow_time as (
    select
        lives.change_key,
        'flow_time' as metric_key,
        population_times.population,
        'all' as stage,
        {{ seconds_between('lives.started_at', 'lives.deployed_at') }} as wall_seconds,
        lives.deployed_position - lives.started_position as working_seconds

    from lives
    inner join population_times
        on
            lives.change_key = population_times.change_key
            and population_times.population = 'started_and_deployed'
),

flow_time_to_merge as (
    select
        lives.change_key,
        'flow_time_to_merge' as metric_key,
        population_times.population,
        'all' as stage,
        {{ seconds_between('lives.started_at', 'lives.merged_at') }} as wall_seconds,
        lives.merged_position - lives.started_position as working_seconds

    from lives
    inner join population_times
        on
            lives.change_key = population_times.change_key
            and population_times.population = 'started_and_merged'
),

counted_stages as (
    select stages.*
    from stages
    inner join population_times
        on
            stages.change_key = population_times.change_key
            and stages.stage = population_times.population
),

stage_time as (
    select
        change_key,
        'stage_time' as metric_key,
        stage as population,
        stage,
        wall_seconds,
        working_seconds

    from counted_stages
),

whole_lives as (
    select
        stages.change_key,
        sum(stages.active_seconds) as active_seconds,
        sum(stages.active_seconds + stages.waiting_seconds) as life_seconds

    from stages
    inner join population_times
        on
            stages.change_key = population_times.change_key
            and population_times.population = 'whole_life'
    group by stages.change_key
),

on_two_clocks as (
    select * from flow_time
    union all
    select * from flow_time_to_merge
    union all
    select * from stage_time
),

durations as (
    select
        change_key,
        metric_key,
        population,
        stage,
        'wall' as clock,
        wall_seconds as amount

    from on_two_clocks
    union all
    select
        change_key,
        metric_key,
        population,
        stage,
        'working' as clock,
        working_seconds as amount

    from on_two_clocks
    union all
    select
        change_key,
        'stage_wait' as metric_key,
        stage as population,
        stage,
        'working' as clock,
        waiting_seconds as amount

    from counted_stages
),

ratios as (
    select
        change_key,
        'flow_efficiency' as metric_key,
        'whole_life' as population,
        'all' as stage,
        active_seconds as numerator,
        life_seconds as denominator

    from whole_lives
    union all
    select
        whole_lives.change_key,
        'wait_share' as metric_key,
        'whole_life' as population,
        stages.stage,
        stages.waiting_seconds as numerator,
        whole_lives.life_seconds as denominator

    from whole_lives
    inner join stages on whole_lives.change_key = stages.change_key
    union all
    -- Integration in two: what waits for CI, and what waits for anything else.
    select
        whole_lives.change_key,
        'wait_share' as metric_key,
        'whole_life_with_ci' as population,
        'ci' as stage,
        ci_waits.ci_waiting_seconds as numerator,
        whole_lives.life_seconds as denominator

    from whole_lives
    inner join ci_waits on whole_lives.change_key = ci_waits.change_key
    union all
    select
        whole_lives.change_key,
        'wait_share' as metric_key,
        'whole_life_with_ci' as population,
        'other' as stage,
        ci_waits.other_waiting_seconds as numerator,
        whole_lives.life_seconds as denominator

    from whole_lives
    inner join ci_waits on whole_lives.change_key = ci_waits.change_key
),

change_lead_time as (
    select
        lives.change_key,
        population_times.population,
        {{ seconds_between('lives.first_commit_at', 'lives.deployed_at') }} as amount

    from lives
    inner join population_times
        on
            lives.change_key = population_times.change_key
            and population_times.population = 'committed_and_deployed'
),

request_delivery_time as (
    select
        request_deliveries.change_key,
        population_times.population,
        {{ seconds_between('request_deliveries.requested_at', 'request_deliveries.deployed_at') }}
            as amount

    from request_deliveries
    inner join population_times
        on
            request_deliveries.change_key = population_times.change_key
            and population_times.population = 'requested'
),

final as (
    {%- for metric in ['change_lead_time', 'request_delivery_time'] %}
    select
        change_key,
        '{{ metric }}' as metric_key,
        population,
        'quantile' as kind,
        'all' as stage,
        'wall' as clock,
        cast(amount as bigint) as amount,
        cast(null as bigint) as numerator,
        cast(null as bigint) as denominator

    from {{ metric }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
    union all
    select
        change_key,
        metric_key,
        population,
        'quantile' as kind,
        stage,
        clock,
        cast(amount as bigint) as amount,
        cast(null as bigint) as numerator,
        cast(null as bigint) as denominator

    from durations
    union all
    select
        change_key,
        metric_key,
        population,
        'ratio' as kind,
        stage,
        'working' as clock,
        cast(null as bigint) as amount,
        cast(numerator as bigint) as numerator,
        cast(denominator as bigint) as denominator

    from ratios
    union all
    select
        change_key,
        'flow_velocity' as metric_key,
        population,
        'count' as kind,
        'all' as stage,
        'none' as clock,
        cast(1 as bigint) as amount,
        cast(null as bigint) as numerator,
        cast(null as bigint) as denominator

    from population_times
    where population = 'merged'
)

select * from final
