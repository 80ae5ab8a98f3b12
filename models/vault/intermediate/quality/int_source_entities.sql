with change_reviews as (
    select * from {{ ref('stg_canonical__change_reviews') }}
),

ci_runs as (
    select * from {{ ref('stg_canonical__ci_runs') }}
),

incidents as (
    select * from {{ ref('stg_canonical__incidents') }}
),

work_items as (
    select * from {{ ref('stg_canonical__work_items') }}
),

mainline_commits as (
    select * from {{ ref('stg_canonical__mainline_commits') }}
),

coverage_reports as (
    select * from {{ ref('stg_canonical__coverage_reports') }}
),

environment_requests as (
    select * from {{ ref('stg_canonical__environment_requests') }}
),

findings as (
    select * from {{ ref('stg_canonical__vulnerability_findings') }}
),

ai_usage as (
    select * from {{ ref('stg_canonical__ai_usage') }}
),

headcounts as (
    select * from {{ ref('stg_canonical__headcounts') }}
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
        'ai_usage' as entity

    from ai_usage
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
    union all
    select distinct
        source,
        'mainline_commits' as entity

    from mainline_commits
    union all
    select distinct
        source,
        'coverage_reports' as entity

    from coverage_reports
    union all
    select distinct
        source,
        'environment_requests' as entity

    from environment_requests
    union all
    select distinct
        source,
        'headcounts' as entity

    from headcounts
    union all
    select distinct
        source,
        'mainline_runs' as entity

    from ci_runs
    where is_mainline
    union all
    select distinct
        source,
        'production_defects' as entity

    from work_items
    where
        work_type = 'defect'
        and found_in = 'production'
)

select * from final
