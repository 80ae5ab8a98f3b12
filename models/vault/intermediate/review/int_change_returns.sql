{%- set settled = dbt.dateadd('day', setting('settled_days'), 'changes.merged_at') -%}
with changes as (
    select * from {{ ref('stg_canonical__changes') }}
    where merged_at is not null
),

change_reviews as (
    select * from {{ ref('stg_canonical__change_reviews') }}
),

change_commits as (
    select * from {{ ref('stg_canonical__change_commits') }}
),

commits as (
    select * from {{ ref('stg_canonical__commits') }}
),

mainline_commits as (
    select * from {{ ref('stg_canonical__mainline_commits') }}
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

-- A revert counts where it came in: on a side branch it takes nothing back.
reverting_commits as (
    select
        commits.repository || '@' || commits.reverts_commit_sha as reverted_commit_key,
        reverting.change_key as reverting_change_key,
        coalesce(reverting.merged_at, commits.committed_at) as reverted_at

    from commits
    left join mainline_commits on commits.commit_key = mainline_commits.commit_key
    left join change_commits on commits.commit_key = change_commits.commit_key
    left join changes as reverting on change_commits.change_key = reverting.change_key
    where
        commits.reverts_commit_sha is not null
        and (
            coalesce(commits.is_mainline, false)
            or mainline_commits.commit_key is not null
            or reverting.change_key is not null
        )
),

commits_of_change as (
    select
        change_key,
        commit_key
    from change_commits
    union
    select
        change_key,
        merge_commit_key as commit_key
    from changes
    where merge_commit_key is not null
),

reverts as (
    select
        repository || '!' || reverts_change_id as change_key,
        merged_at as reverted_at

    from changes
    where reverts_change_id is not null
    union all
    -- Thinking again inside a branch is no revert of the change.
    select
        commits_of_change.change_key,
        reverting_commits.reverted_at

    from reverting_commits
    inner join commits_of_change
        on
            reverting_commits.reverted_commit_key = commits_of_change.commit_key
            and coalesce(reverting_commits.reverting_change_key, '')
            != commits_of_change.change_key
),

reverted as (
    select distinct changes.change_key
    from changes
    inner join reverts
        on
            changes.change_key = reverts.change_key
            and changes.merged_at <= reverts.reverted_at
            and {{ settled }} > reverts.reverted_at
),

reopened as (
    select distinct change_key
    from change_reviews
    where kind = 'reopened'
),

final as (
    select
        -- keys
        changes.change_key,

        -- properties
        reopened.change_key is not null as is_reopened,
        reverted.change_key is not null as is_reverted,

        -- timestamps
        {{ settled }} as settled_at

    from changes
    cross join as_of
    left join reopened on changes.change_key = reopened.change_key
    left join reverted on changes.change_key = reverted.change_key
    where {{ settled }} <= as_of.as_of
)

select * from final
