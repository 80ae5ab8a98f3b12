-- Waiting for CI: of the waiting in Integration `[approved, merged)`, what lies inside a run on a
-- commit of the change, from queue to end. A run beside work is no waiting.
with bounds as (
    select * from {{ ref('int_change_stage_bounds') }}
    where stage = 'integration'
),

lives as (
    select * from {{ ref('int_change_lives') }}
),

stages as (
    select * from {{ ref('int_change_stages') }}
    where stage = 'integration'
),

active_spans as (
    select * from {{ ref('int_change_active_spans') }}
    where stage in ('integration', 'any')
),

change_commits as (
    select * from {{ ref('stg_canonical__change_commits') }}
),

changes as (
    select * from {{ ref('stg_canonical__changes') }}
),

ci_runs as (
    select * from {{ ref('stg_canonical__ci_runs') }}
    where finished_at > queued_at
),

-- From its first run on a repository tells of CI; what was approved before is not known, not 0.
first_runs as (
    select
        repository,
        min(queued_at) as known_from

    from ci_runs
    group by repository
),

run_spans as (
    select
        lives.change_key,
        {{ working_position('ci_runs.queued_at', 'from_days') }} as from_position,
        {{ working_position('ci_runs.finished_at', 'to_days') }} as to_position

    from ci_runs
    inner join change_commits on ci_runs.commit_key = change_commits.commit_key
    inner join lives on change_commits.change_key = lives.change_key
    {{ working_days_join('ci_runs.queued_at', 'lives.calendar_key', 'from_days') }}
    {{ working_days_join('ci_runs.finished_at', 'lives.calendar_key', 'to_days') }}
),

spans as (
    select
        change_key,
        from_position,
        to_position

    from active_spans
    union all
    select
        change_key,
        from_position,
        to_position

    from run_spans
),

clipped as (
    select
        bounds.change_key,
        greatest(spans.from_position, bounds.worked_from_position) as from_position,
        least(spans.to_position, bounds.left_position) as to_position

    from bounds
    inner join spans
        on
            bounds.change_key = spans.change_key
            and bounds.worked_from_position < spans.to_position
            and bounds.left_position > spans.from_position
),

-- The union of work and runs; what of it is no work is waiting for a run.
work_or_runs as (
    {{ covered_seconds('clipped', by=['change_key']) }}
),

final as (
    select
        -- keys
        stages.change_key,

        -- working clock
        coalesce(work_or_runs.covered_seconds, 0) - stages.active_seconds as ci_waiting_seconds,
        stages.waiting_seconds + stages.active_seconds - coalesce(work_or_runs.covered_seconds, 0)
            as other_waiting_seconds

    from stages
    inner join bounds on stages.change_key = bounds.change_key
    inner join changes on stages.change_key = changes.change_key
    inner join first_runs
        on
            changes.repository = first_runs.repository
            and bounds.entered_at >= first_runs.known_from
    left join work_or_runs on stages.change_key = work_or_runs.change_key
    where stages.waiting_seconds is not null
)

select * from final
