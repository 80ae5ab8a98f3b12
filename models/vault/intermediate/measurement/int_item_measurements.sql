{%- set work_types = ['feature', 'defect', 'debt', 'risk', 'unplanned'] -%}
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

typed as (
    select
        item_lives.item_key,
        item_lives.work_type

    from item_lives
    inner join population_times
        on
            item_lives.item_key = population_times.change_key
            and population_times.population = 'typed_items'
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
    {%- for work_type in work_types %}
    union all
    select
        item_key as change_key,
        'flow_distribution' as metric_key,
        'typed_items' as population,
        'share' as kind,
        '{{ work_type }}' as stage,
        'none' as clock,
        cast(null as bigint) as amount,
        case when work_type = '{{ work_type }}' then cast(1 as bigint) else cast(0 as bigint) end
            as numerator,
        cast(1 as bigint) as denominator

    from typed
    {%- endfor %}
)

select * from final
