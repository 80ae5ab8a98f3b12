with changes as (
    select * from {{ ref('stg_canonical__changes') }}
),

change_commits as (
    select * from {{ ref('stg_canonical__change_commits') }}
),

commits as (
    select * from {{ ref('stg_canonical__commits') }}
),

commit_files as (
    select * from {{ ref('stg_canonical__commit_files') }}
),

risk_zones as (
    select * from {{ ref('risk_zones') }}
),

-- A merge into the branch brings in the work of others.
own_commits as (
    select
        change_commits.change_key,
        commits.commit_key,
        commits.is_assisted

    from change_commits
    inner join commits on change_commits.commit_key = commits.commit_key
    where coalesce(commits.parent_count, 1) < 2
    union
    select
        changes.change_key,
        commits.commit_key,
        commits.is_assisted

    from changes
    inner join commits on changes.merge_commit_key = commits.commit_key
),

assisted_commits as (
    select distinct change_key
    from own_commits
    where is_assisted
),

marked as (
    select
        changes.change_key,
        changes.source,
        coalesce(changes.is_assisted, false) or assisted_commits.change_key is not null
            as is_assisted

    from changes
    left join assisted_commits on changes.change_key = assisted_commits.change_key
),

-- A source that never marks anything says nothing: it is not 0 %.
marking_sources as (
    select distinct source
    from marked
    where is_assisted
),

paths as (
    select distinct path
    from commit_files
),

path_risks as (
    select
        paths.path,
        max(case when risk_zones.zone = 'red' then 3 when risk_zones.zone = 'yellow' then 2 end)
            as risk

    from paths
    inner join risk_zones on paths.path like risk_zones.path_pattern
    group by paths.path
),

-- Its riskiest file decides; a file that no pattern names is green.
change_risks as (
    select
        own_commits.change_key,
        max(coalesce(path_risks.risk, 1)) as risk

    from own_commits
    inner join commit_files on own_commits.commit_key = commit_files.commit_key
    left join path_risks on commit_files.path = path_risks.path
    group by own_commits.change_key
),

final as (
    select
        -- keys
        marked.change_key,

        -- properties
        marked.is_assisted,
        -- What is not known to be harmless is not green.
        case
            when change_risks.risk = 3 then 'red'
            when change_risks.risk = 1 then 'green'
            else 'yellow'
        end as risk_zone

    from marked
    inner join marking_sources on marked.source = marking_sources.source
    left join change_risks on marked.change_key = change_risks.change_key
)

select * from final
