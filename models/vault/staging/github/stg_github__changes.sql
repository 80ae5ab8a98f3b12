with pull_requests as (
    select * from {{ source('github', 'pull_requests') }}
),

final as (
    select
        -- keys
        repository,
        number as change_id,
        -- Before the merge it is a trial that is on no branch.
        case when merged_at is not null then merge_commit_sha end as merge_commit,
        reverts_change_id,

        -- person data
        author_key,
        author_is_bot,

        -- properties
        is_hotfix,
        is_assisted,

        -- timestamps
        created_at as opened_at,
        merged_at,
        closed_at,
        cast(null as {{ dbt.type_timestamp() }}) as first_commit_at

    from pull_requests
)

select * from final
