with lives as (
    select * from {{ ref('int_change_lives') }}
),

source_entities as (
    select * from {{ ref('int_source_entities') }}
),

commit_times as (
    select * from {{ ref('int_change_commit_times') }}
),

commit_files as (
    select * from {{ ref('stg_canonical__commit_files') }}
),

assistance as (
    select * from {{ ref('int_change_assistance') }}
),

initiatives as (
    select * from {{ ref('stg_canonical__initiatives') }}
),

change_sizes as (
    select * from {{ ref('int_change_sizes') }}
),

deployments as (
    select * from {{ ref('int_deployments') }}
),

deployment_parts as (
    select * from {{ ref('int_deployment_parts') }}
),

failure_evidence as (
    select count(*) as row_count
    from source_entities
    where entity = 'incidents'
    union all
    select count(undoes_deployment_id) as row_count
    from deployment_parts
),

spans as (
    select * from {{ ref('int_change_active_spans') }}
),

item_lives as (
    select * from {{ ref('int_work_item_lives') }}
),

request_deliveries as (
    select * from {{ ref('int_request_deliveries') }}
),

change_work_items as (
    select * from {{ ref('stg_canonical__change_work_items') }}
),

dependency_spans as (
    select * from {{ ref('int_dependency_spans') }}
),

ai_licences as (
    select * from {{ ref('int_ai_licences') }}
),

survey_answers as (
    select * from {{ ref('int_survey_answers') }}
),

found as (
    select
        'changes' as capability,
        count(merged_at) as row_count
    from lives
    union all
    select
        'start' as capability,
        count(started_at) as row_count
    from lives
    union all
    select
        'opened' as capability,
        count(ready_at) as row_count
    from lives
    union all
    select
        'open_work' as capability,
        sum(case when merged_at is null then 1 else 0 end) as row_count
    from lives
    union all
    select
        'reviews' as capability,
        count(*) as row_count
    from source_entities
    where entity = 'change_reviews'
    union all
    select
        'deployments' as capability,
        count(deployed_at) as row_count
    from lives
    union all
    select
        'ci_runs' as capability,
        count(*) as row_count
    from source_entities
    where entity = 'ci_runs'
    union all
    select
        'commits' as capability,
        count(*) as row_count
    from commit_times
    union all
    select
        'evidence' as capability,
        count(*) as row_count
    from spans
    union all
    select
        'assistance' as capability,
        count(*) as row_count
    from assistance
    union all
    select
        'initiatives' as capability,
        count(*) as row_count
    from initiatives
    union all
    -- What no source ever puts a number to cannot have come or not come.
    select
        'effects' as capability,
        count(anticipated_effect) as row_count
    from initiatives
    union all
    select
        'lines' as capability,
        count(*) as row_count
    from change_sizes
    union all
    select
        'files' as capability,
        count(*) as row_count
    from commit_files
    union all
    select
        'production' as capability,
        count(*) as row_count
    from deployments
    union all
    select
        'incidents' as capability,
        count(*) as row_count
    from source_entities
    where entity = 'incidents'
    union all
    select
        'findings' as capability,
        count(*) as row_count
    from source_entities
    where entity = 'vulnerability_findings'
    union all
    select
        'mainline' as capability,
        count(*) as row_count
    from source_entities
    where entity = 'mainline_commits'
    union all
    select
        'coverage' as capability,
        count(*) as row_count
    from source_entities
    where entity = 'coverage_reports'
    union all
    select
        'environment_requests' as capability,
        count(*) as row_count
    from source_entities
    where entity = 'environment_requests'
    union all
    select
        'mainline_runs' as capability,
        count(*) as row_count
    from source_entities
    where entity = 'mainline_runs'
    union all
    -- Where no defect says that it was found in production, none is known not to have been.
    select
        'production_defects' as capability,
        count(*) as row_count
    from source_entities
    where entity = 'production_defects'
    union all
    -- Incidents, or deployments that say what they undo: without either nothing ever fails.
    select
        'failures' as capability,
        sum(row_count) as row_count
    from failure_evidence
    union all
    select
        'unplanned' as capability,
        sum(case when is_marked_unplanned then 1 else 0 end) as row_count
    from deployments
    union all
    select
        'surveys' as capability,
        count(*) as row_count
    from survey_answers
    union all
    select
        'ai_usage' as capability,
        count(*) as row_count
    from source_entities
    where entity = 'ai_usage'
    union all
    select
        'ai_licences' as capability,
        count(*) as row_count
    from ai_licences
    union all
    select
        'headcounts' as capability,
        count(*) as row_count
    from source_entities
    where entity = 'headcounts'
    union all
    -- Reviews alone say nothing of the work in Dev: all of it would read as waiting.
    select
        'dev_evidence' as capability,
        count(*) as row_count
    from spans
    where stage = 'dev'
    union all
    select
        'work_items' as capability,
        count(*) as row_count
    from item_lives
    union all
    -- Without a single one nobody tells of them: that is not known, and not 0.
    select
        'dependencies' as capability,
        count(*) as row_count
    from dependency_spans
    union all
    -- What nobody marks as asked for by a customer may all have been.
    select
        'customer_requests' as capability,
        count(*) as row_count
    from request_deliveries
    union all
    -- A tracker in which no item is part of an initiative does not say which are.
    select
        'item_initiatives' as capability,
        count(*) as row_count
    from item_lives
    where initiative in ('outcome_anticipated', 'no_outcome_anticipated')
    union all
    -- Without them an item is of no system.
    select
        'item_links' as capability,
        count(*) as row_count
    from change_work_items
    {%- for work_type, capability in [
        ('feature', 'features'),
        ('defect', 'defects'),
        ('debt', 'debt'),
        ('risk', 'risks'),
        ('unplanned', 'unplanned_work'),
    ] %}
    union all
    -- A type that nobody uses is no type of which there was no work.
    select
        '{{ capability }}' as capability,
        count(*) as row_count
    from item_lives
    where work_type = '{{ work_type }}'
    {%- endfor %}
),

final as (
    select
        capability,
        coalesce(row_count, 0) > 0 as is_delivered

    from found
)

select * from final
