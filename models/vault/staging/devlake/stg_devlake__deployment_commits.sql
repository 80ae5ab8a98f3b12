with records as (
    select * from {{ ref('stg_devlake__deployment_records') }}
),

diffs as (
    select * from {{ source('devlake', 'commits_diffs') }}
),

in_order as (
    select
        record_id,
        lag(record_id) over (
            partition by cicd_scope_id, repository, environment
            order by finished_at, record_id
        ) as previous_record_id

    from records
    where
        result = 'success'
        and finished_at is not null
        and commit_sha is not null
),

-- DevLake says which deployment came before; where it does not, time in the same place does.
steps as (
    select
        records.deployment_id,
        records.repository,
        records.commit_sha as new_commit_sha,
        previous.commit_sha as old_commit_sha

    from records
    left join in_order on records.record_id = in_order.record_id
    inner join records as previous
        on
            coalesce(records.prev_success_deployment_commit_id, in_order.previous_record_id)
            = previous.record_id
    where records.is_preferred
),

-- The first deployment has nothing before it: it carries the commit that it names, not all history.
final as (
    select distinct
        -- keys
        steps.deployment_id,
        steps.repository,
        diffs.commit_sha

    from steps
    inner join diffs
        on
            steps.new_commit_sha = diffs.new_commit_sha
            and steps.old_commit_sha = diffs.old_commit_sha
)

select * from final
