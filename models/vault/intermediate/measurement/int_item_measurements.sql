{%- set parted = [
    (
        'flow_distribution', 'typed_items', 'work_type',
        ['feature', 'defect', 'debt', 'risk', 'unplanned']
    ),
    (
        'investment_mix', 'placed_items', 'initiative',
        ['outcome_anticipated', 'no_outcome_anticipated', 'no_initiative']
    ),
] -%}
with item_lives as (
    select * from {{ ref('int_work_item_lives') }}
),

population_times as (
    select * from {{ ref('int_population_times') }}
),

completed as (
    select item_lives.item_key
    from item_lives
    inner join population_times
        on
            item_lives.item_key = population_times.change_key
            and population_times.population = 'completed_items'
),

parted as (
    select
        item_lives.item_key,
        item_lives.work_type,
        item_lives.initiative,
        population_times.population

    from item_lives
    inner join population_times on item_lives.item_key = population_times.change_key
    where population_times.population in ('typed_items', 'placed_items')
),

final as (
    select
        item_key as change_key,
        'item_velocity' as metric_key,
        'completed_items' as population,
        'count' as kind,
        'all' as stage,
        'none' as clock,
        cast(1 as bigint) as amount,
        cast(null as bigint) as numerator,
        cast(null as bigint) as denominator

    from completed
    {%- for metric, population, slice, parts in parted %}
    {%- for part in parts %}
    union all
    select
        item_key as change_key,
        '{{ metric }}' as metric_key,
        population,
        'share' as kind,
        '{{ part }}' as stage,
        'none' as clock,
        cast(null as bigint) as amount,
        case when {{ slice }} = '{{ part }}' then cast(1 as bigint) else cast(0 as bigint) end
            as numerator,
        cast(1 as bigint) as denominator

    from parted
    where population = '{{ population }}'
    {%- endfor %}
    {%- endfor %}
)

select * from final
