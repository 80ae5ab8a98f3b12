with systems as (
    select * from {{ ref('systems') }}
),

final as (
    select
        system_key,
        system_label,
        criticality,
        is_revenue_critical

    from systems
)

select * from final
