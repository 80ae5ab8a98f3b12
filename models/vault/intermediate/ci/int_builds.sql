with ci_runs as (
    select * from {{ ref('stg_canonical__ci_runs') }}
    where
        finished_at >= queued_at
        and result is not null
),

commit_files as (
    select * from {{ ref('stg_canonical__commit_files') }}
),

mainline_commits as (
    select * from {{ ref('stg_canonical__mainline_commits') }}
),

source_paths as (
    select * from {{ ref('int_paths') }}
    where kind = 'source'
),

system_paths as (
    select * from {{ ref('int_system_paths') }}
),

system_owners as (
    select * from {{ ref('int_system_owners') }}
),

keyed as (
    select
        *,
        repository || '#' || run_id as build_key,
        -- A run of no named workflow is no second attempt of another.
        coalesce(workflow, run_id) as workflow_key,
        cast(queued_at as date) as owned_on

    from ci_runs
),

with_files as (
    select distinct commit_key from commit_files
),

-- A merge has no files of its own: what it brought stands at its place of the main line.
brought as (
    select
        keyed.build_key,
        brought_commits.commit_key

    from keyed
    inner join mainline_commits on keyed.commit_key = mainline_commits.commit_key
    inner join mainline_commits as brought_commits
        on
            mainline_commits.repository = brought_commits.repository
            and mainline_commits.mainline_position = brought_commits.mainline_position
    left join with_files on keyed.commit_key = with_files.commit_key
    where with_files.commit_key is null
),

ran_on as (
    select
        build_key,
        commit_key

    from keyed
    union all
    select
        build_key,
        commit_key

    from brought
),

files as (
    select
        keyed.build_key,
        keyed.repository,
        keyed.owned_on,
        commit_files.path,
        case when source_paths.path is not null then 1 else 0 end as is_source

    from keyed
    inner join ran_on on keyed.build_key = ran_on.build_key
    inner join commit_files on ran_on.commit_key = commit_files.commit_key
    left join source_paths on commit_files.path = source_paths.path
),

-- By the files of the commit and not by its change: nobody stands in the lineage of a service.
systems as (
    {{ system_of_files('files', events='keyed', key='build_key') }}
),

-- In the order in which they were asked for, whatever number the source gives them.
placed as (
    select
        keyed.*,
        coalesce(systems.system_key, 'unassigned') as system_key,
        row_number() over (
            partition by keyed.commit_key, keyed.workflow_key
            order by keyed.queued_at, keyed.run_id
        ) as place,
        max(case when keyed.result = 'success' then keyed.queued_at end) over (
            partition by keyed.commit_key, keyed.workflow_key
        ) as last_passing_queued_at

    from keyed
    inner join systems on keyed.build_key = systems.build_key
),

final as (
    select
        -- keys
        placed.build_key,
        placed.system_key,
        coalesce(system_owners.team_key, 'unassigned') as team_key,
        coalesce(system_owners.value_stream_key, 'unassigned') as value_stream_key,

        -- properties
        coalesce(placed.workflow, '') as workflow,
        coalesce(placed.is_mainline, false) as is_mainline,
        placed.result = 'success' as is_passed,
        placed.place = 1 and coalesce(placed.attempt, 1) = 1 as is_first_attempt,
        placed.result = 'failure'
        and coalesce(placed.last_passing_queued_at >= placed.finished_at, false) as is_flaky,

        -- measures
        {{ seconds_between('placed.queued_at', 'placed.finished_at') }} as whole_seconds,
        case
            when placed.started_at >= placed.queued_at
                then {{ seconds_between('placed.queued_at', 'placed.started_at') }}
        end as queue_seconds,
        case
            when
                placed.started_at >= placed.queued_at
                and placed.finished_at >= placed.started_at
                then {{ seconds_between('placed.started_at', 'placed.finished_at') }}
        end as run_seconds,

        -- timestamps
        placed.finished_at

    from placed
    left join system_owners
        on
            placed.system_key = system_owners.system_key
            and placed.owned_on >= system_owners.valid_from
            and placed.owned_on < system_owners.valid_to
    -- What was stopped or not run at all neither passed nor failed.
    where placed.result in ('success', 'failure')
)

select * from final
