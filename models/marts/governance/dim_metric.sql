with metrics as (
    select * from {{ ref('metrics') }}
),

final as (
    select
        metric_key,
        metric_name,
        domain,
        class as measure_class,
        definition,
        unit,
        direction,
        measures,
        decision,
        owner_role,
        grains,
        roll_up,
        pair,
        cast(min_sample as bigint) as min_sample,
        cast(precision_step as numeric(18, 4)) as precision_step,
        misuse_warning,
        definition_source

    from metrics
)

select * from final
