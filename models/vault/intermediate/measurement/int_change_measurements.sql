with measured as (
    select * from {{ ref('int_flow_measurements') }}
    union all
    select * from {{ ref('int_review_measurements') }}
    union all
    select * from {{ ref('int_drag_measurements') }}
    union all
    select * from {{ ref('int_knowledge_measurements') }}
    union all
    select * from {{ ref('int_item_measurements') }}
    union all
    select * from {{ ref('int_dependency_measurements') }}
    union all
    select * from {{ ref('int_assistance_measurements') }}
),

final as (
    select
        change_key,
        metric_key,
        population,
        kind,
        stage,
        clock,
        amount,
        numerator,
        denominator

    from measured
)

select * from final
