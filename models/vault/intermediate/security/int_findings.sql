with findings as (
    select * from {{ ref('stg_canonical__vulnerability_findings') }}
    -- What never was a weakness is neither debt nor a remedy.
    where coalesce(resolution, 'fixed') != 'false_positive'
),

systems as (
    select * from {{ ref('systems') }}
),

system_paths as (
    select * from {{ ref('int_system_paths') }}
),

severities as (
    select * from {{ ref('severities') }}
),

placed as (
    {{ placed_in_system('findings', at='opened_at') }}
),

final as (
    select
        -- keys
        placed.finding_id,
        placed.placed_system_key as system_key,

        -- properties
        coalesce(severities.severity, 'unknown') as severity,

        -- timestamps
        placed.opened_at,
        -- What is accepted is still there. What ends before it starts says nothing of its end.
        case
            when coalesce(placed.resolution, 'fixed') = 'accepted' then null
            when placed.resolved_at >= placed.opened_at then placed.resolved_at
        end as remediated_at

    from placed
    left join severities on lower(placed.severity) = severities.severity_word
)

select * from final
