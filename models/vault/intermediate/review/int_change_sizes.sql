{%- set lines -%}
    case
        when written_paths.path is not null
            then coalesce(commit_files.additions, 0) + coalesce(commit_files.deletions, 0)
        else 0
    end
{%- endset -%}
with changes as (
    select * from {{ ref('stg_canonical__changes') }}
    where merged_at is not null
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

written_paths as (
    select * from {{ ref('int_paths') }}
    where kind in ('source', 'documentation')
),

-- A merge into the branch brings in the work of others.
own_commits as (
    select
        change_commits.change_key,
        change_commits.commit_key,
        'branch' as place

    from change_commits
    inner join commits on change_commits.commit_key = commits.commit_key
    where coalesce(commits.parent_count, 1) < 2
    union
    select
        change_key,
        merge_commit_key as commit_key,
        'mainline' as place

    from changes
    where merge_commit_key is not null
),

-- A partial clone tells paths without lines; a binary file has none.
counted as (
    select
        own_commits.change_key,
        sum(case when own_commits.place = 'branch' then 1 else 0 end) as branch_files,
        sum(case when own_commits.place = 'branch' then {{ lines }} else 0 end) as branch_lines,
        sum(case when own_commits.place = 'mainline' then {{ lines }} else 0 end) as mainline_lines

    from own_commits
    inner join commit_files on own_commits.commit_key = commit_files.commit_key
    left join written_paths on commit_files.path = written_paths.path
    group by own_commits.change_key
    having count(commit_files.additions) > 0
),

final as (
    select
        -- keys
        changes.change_key,

        -- measures
        cast(
            case
                when counted.branch_files > 0 then counted.branch_lines
                else counted.mainline_lines
            end as bigint
        ) as changed_lines

    from changes
    inner join counted on changes.change_key = counted.change_key
)

select * from final
