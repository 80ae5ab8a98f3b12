with builds as (
    select * from {{ ref('int_builds') }}
    where system_key != 'unassigned'
),

security_checks as (
    select * from {{ ref('security_checks') }}
),

weeks as (
    select * from {{ ref('int_weeks') }}
),

system_owners as (
    select * from {{ ref('int_system_owners') }}
),

run_weeks as (
    select distinct
        system_key,
        workflow,
        cast({{ dbt.date_trunc('week', 'finished_at') }} as date) as week_start

    from builds
),

workflows as (
    select distinct workflow from run_weeks
),

kinds as (
    select distinct check_kind from security_checks
),

workflow_kinds as (
    select distinct
        workflows.workflow,
        security_checks.check_kind

    from workflows
    inner join security_checks on lower(workflows.workflow) like security_checks.workflow_pattern
),

ran as (
    select distinct
        run_weeks.system_key,
        run_weeks.workflow,
        weeks.bucket,
        weeks.bucket_start,
        weeks.bucket_end

    from run_weeks
    inner join weeks on run_weeks.week_start = weeks.week_start
),

-- Of a system without any run nobody knows whether its CI is told of at all.
told as (
    select distinct
        system_key,
        bucket,
        bucket_start,
        bucket_end

    from ran
),

found as (
    select distinct
        ran.system_key,
        ran.bucket,
        ran.bucket_start,
        workflow_kinds.check_kind

    from ran
    inner join workflow_kinds on ran.workflow = workflow_kinds.workflow
),

final as (
    select
        told.system_key,
        coalesce(system_owners.team_key, 'unassigned') as team_key,
        coalesce(system_owners.value_stream_key, 'unassigned') as value_stream_key,
        told.bucket,
        told.bucket_start,
        kinds.check_kind,
        found.check_kind is not null as is_checked

    from told
    cross join kinds
    left join found
        on
            told.system_key = found.system_key
            and told.bucket = found.bucket
            and told.bucket_start = found.bucket_start
            and kinds.check_kind = found.check_kind
    left join system_owners
        on
            told.system_key = system_owners.system_key
            and told.bucket_end > system_owners.valid_from
            and told.bucket_end <= system_owners.valid_to
)

select * from final
