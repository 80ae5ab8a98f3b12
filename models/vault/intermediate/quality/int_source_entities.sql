with change_reviews as (
    select * from {{ ref('stg_canonical__change_reviews') }}
),

ci_runs as (
    select * from {{ ref('stg_canonical__ci_runs') }}
),

incidents as (
    select * from {{ ref('stg_canonical__incidents') }}
),

findings as (
    select * from {{ ref('stg_canonical__vulnerability_findings') }}
),

-- What a source calls its tables is its own; what they became is what it delivers.
final as (
    select distinct
        source,
        'change_reviews' as entity

    from change_reviews
    union all
    select distinct
        source,
        'ci_runs' as entity

    from ci_runs
    union all
    select distinct
        source,
        'incidents' as entity

    from incidents
    union all
    select distinct
        source,
        'vulnerability_findings' as entity

    from findings
)

select * from final
