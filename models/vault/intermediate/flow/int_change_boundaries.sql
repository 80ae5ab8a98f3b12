with changes as (
    select * from {{ ref('stg_canonical__changes') }}
),

commit_times as (
    select * from {{ ref('int_change_commit_times') }}
),

change_reviews as (
    select * from {{ ref('stg_canonical__change_reviews') }}
),

human_reviews as (
    select * from {{ ref('int_human_reviews') }}
),

change_work_items as (
    select * from {{ ref('stg_canonical__change_work_items') }}
),

work_item_statuses as (
    select * from {{ ref('int_work_item_statuses') }}
),

change_deployments as (
    select * from {{ ref('int_change_deployments') }}
),

source_entities as (
    select * from {{ ref('int_source_entities') }}
    where entity = 'change_reviews'
),

first_commits as (
    select
        change_key,
        min(authored_at) as authored_at,
        min(committed_at) as committed_at

    from commit_times
    group by change_key
),

first_active_statuses as (
    select
        change_work_items.change_key,
        min(work_item_statuses.entered_at) as entered_at

    from change_work_items
    inner join work_item_statuses
        on change_work_items.work_item_id = work_item_statuses.work_item_id
    where work_item_statuses.activity = 'active'
    group by change_work_items.change_key
),

reviews_before_merge as (
    select
        changes.change_key,
        min(human_reviews.submitted_at) as first_review_at,
        max(case when human_reviews.kind = 'approved' then human_reviews.submitted_at end)
            as last_approval_at,
        max(human_reviews.submitted_at) as last_review_at

    from changes
    inner join human_reviews on changes.change_key = human_reviews.change_key
    where changes.merged_at is null or human_reviews.submitted_at <= changes.merged_at
    group by changes.change_key
),

-- The last draft -> ready before a human reviewed it.
made_ready as (
    select
        changes.change_key,
        max(change_reviews.submitted_at) as ready_at

    from changes
    inner join change_reviews on changes.change_key = change_reviews.change_key
    left join reviews_before_merge on changes.change_key = reviews_before_merge.change_key
    where
        change_reviews.kind = 'ready_for_review'
        and (
            reviews_before_merge.first_review_at is null
            or change_reviews.submitted_at <= reviews_before_merge.first_review_at
        )
    group by changes.change_key
),

review_requests as (
    select distinct change_key
    from change_reviews
    where kind = 'review_requested'
),

begun as (
    select
        changes.change_key,
        coalesce(first_commits.authored_at, changes.first_commit_at) as authored_at,
        coalesce(first_commits.committed_at, changes.first_commit_at) as committed_at,
        -- An author date long before opening is an old branch taken up again.
        coalesce(
            {{ seconds_between(
                'coalesce(first_commits.authored_at, changes.first_commit_at)',
                'coalesce(changes.opened_at, changes.merged_at)'
            ) }} > {{ setting('dev_lookback_days') }} * 86400,
            false
        ) as is_old_branch,
        first_active_statuses.entered_at as first_active_at

    from changes
    left join first_commits on changes.change_key = first_commits.change_key
    left join first_active_statuses on changes.change_key = first_active_statuses.change_key
),

started as (
    select
        change_key,
        first_active_at,
        case when is_old_branch then committed_at else authored_at end as first_commit_at,
        case when is_old_branch then 'committed' else 'authored' end as commit_method

    from begun
),

found as (
    select
        changes.change_key,
        started.first_commit_at,
        case
            when
                started.first_commit_at is null
                or started.first_active_at < started.first_commit_at
                then started.first_active_at
            else started.first_commit_at
        end as started_at,
        case
            when started.first_commit_at is null and started.first_active_at is null then null
            when
                started.first_commit_at is null
                or started.first_active_at < started.first_commit_at
                then 'tracker'
            else started.commit_method
        end as start_method,
        coalesce(made_ready.ready_at, changes.opened_at) as ready_at,
        reviews_before_merge.first_review_at,
        case
            when changes.merged_at is null then null
            when reviews_before_merge.last_approval_at is not null
                then reviews_before_merge.last_approval_at
            when reviews_before_merge.last_review_at is not null
                then reviews_before_merge.last_review_at
            when source_entities.entity is null then null
            when review_requests.change_key is not null then changes.merged_at
            else coalesce(made_ready.ready_at, changes.opened_at)
        end as approved_at,
        reviews_before_merge.last_approval_at is not null as is_approved,
        source_entities.entity is not null as is_review_known,
        changes.merged_at,
        change_deployments.deployed_at,
        change_deployments.link_method as deploy_method

    from changes
    inner join started on changes.change_key = started.change_key
    left join reviews_before_merge on changes.change_key = reviews_before_merge.change_key
    left join made_ready on changes.change_key = made_ready.change_key
    left join review_requests on changes.change_key = review_requests.change_key
    left join change_deployments on changes.change_key = change_deployments.change_key
    left join source_entities on changes.source = source_entities.source
),

-- Merge is the anchor: what lies after the next boundary is clamped down to it, one by one.
approved_clamped as (
    select
        *,
        case when approved_at > merged_at then merged_at else approved_at end as approved_until
    from found
),

ready_clamped as (
    select
        *,
        case
            when ready_at > coalesce(approved_until, merged_at)
                then coalesce(approved_until, merged_at)
            else ready_at
        end as ready_until
    from approved_clamped
),

started_clamped as (
    select
        *,
        case
            when started_at > coalesce(ready_until, approved_until, merged_at)
                then coalesce(ready_until, approved_until, merged_at)
            else started_at
        end as started_until
    from ready_clamped
),

-- Nobody waits for a review that is there already: what lies before ready is clamped up to it.
review_clamped as (
    select
        *,
        case when first_review_at < ready_until then ready_until else first_review_at end
            as first_review_from
    from started_clamped
),

final as (
    select
        -- keys
        change_key,

        -- properties
        start_method,
        deploy_method,
        is_approved,
        is_review_known,
        coalesce(started_at != started_until, false)
        or coalesce(ready_at != ready_until, false)
        or coalesce(first_review_at != first_review_from, false)
        or coalesce(approved_at != approved_until, false)
        or coalesce(deployed_at < merged_at, false) as is_order_repaired,

        -- timestamps
        case
            when first_commit_at > coalesce(ready_until, approved_until, merged_at)
                then coalesce(ready_until, approved_until, merged_at)
            else first_commit_at
        end as first_commit_at,
        started_until as started_at,
        ready_until as ready_at,
        first_review_from as first_review_at,
        approved_until as approved_at,
        merged_at,
        case when deployed_at < merged_at then merged_at else deployed_at end as deployed_at

    from review_clamped
)

select * from final
