-- What came to the main line in one step is a change, whoever wrote it: changes name their authors,
-- and nobody stands in the lineage of a service.
with mainline_commits as (
    select * from {{ ref('stg_canonical__mainline_commits') }}
),

carried_commits as (
    select * from {{ ref('int_carried_commits') }}
),

production_deployments as (
    select * from {{ ref('int_production_deployments') }}
),

commit_files as (
    select * from {{ ref('stg_canonical__commit_files') }}
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

steps as (
    select
        commit_key,
        repository,
        repository || '#' || cast(mainline_position as {{ dbt.type_string() }}) as step_key

    from mainline_commits
),

carried as (
    select distinct
        steps.step_key,
        steps.repository,
        production_deployments.system_key,
        production_deployments.finished_at

    from steps
    inner join carried_commits on steps.commit_key = carried_commits.commit_key
    inner join production_deployments
        on carried_commits.deployment_id = production_deployments.deployment_id
),

first_carried as (
    select
        step_key,
        repository,
        cast(min(finished_at) as date) as owned_on

    from carried
    group by step_key, repository
),

files as (
    select
        first_carried.step_key,
        first_carried.repository,
        first_carried.owned_on,
        commit_files.path,
        case when source_paths.path is not null then 1 else 0 end as is_source

    from first_carried
    inner join steps on first_carried.step_key = steps.step_key
    inner join commit_files on steps.commit_key = commit_files.commit_key
    left join source_paths on commit_files.path = source_paths.path
),

systems as (
    {{ system_of_files('files', events='first_carried', key='step_key') }}
),

placed as (
    select
        step_key,
        coalesce(system_key, 'unassigned') as system_key

    from systems
),

-- The commit graph carries the neighbours of a monorepo along: only its own system's deployment, or
-- one of the whole repository, brings a change out.
deployed as (
    select
        placed.step_key,
        placed.system_key,
        min(carried.finished_at) as deployed_at

    from placed
    inner join carried
        on
            placed.step_key = carried.step_key
            and (carried.system_key is null or placed.system_key = carried.system_key)
    group by placed.step_key, placed.system_key
),

final as (
    select
        deployed.step_key,
        deployed.system_key,
        coalesce(system_owners.team_key, 'unassigned') as team_key,
        coalesce(system_owners.value_stream_key, 'unassigned') as value_stream_key,
        deployed.deployed_at

    from deployed
    left join system_owners
        on
            deployed.system_key = system_owners.system_key
            and cast(deployed.deployed_at as date) >= system_owners.valid_from
            and cast(deployed.deployed_at as date) < system_owners.valid_to
)

select * from final
