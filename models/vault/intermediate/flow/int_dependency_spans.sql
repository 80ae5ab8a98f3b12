with change_work_items as (
    select * from {{ ref('stg_canonical__change_work_items') }}
),

links as (
    select * from {{ ref('stg_canonical__work_item_links') }}
),

work_items as (
    select * from {{ ref('stg_canonical__work_items') }}
),

item_systems as (
    select * from {{ ref('int_work_item_systems') }}
),

system_owners as (
    select * from {{ ref('int_system_owners') }}
),

review_requests as (
    select * from {{ ref('stg_canonical__review_requests') }}
),

human_reviews as (
    select * from {{ ref('int_human_reviews') }}
),

teams as (
    select * from {{ ref('teams') }}
),

lives as (
    select * from {{ ref('int_change_lives') }}
    where team_key != 'unassigned'
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

-- Where the tracker does not tell since when, since both items exist; and no longer than the item
-- that blocks is open.
blocks as (
    select
        links.blocked_work_item_id,
        links.blocking_work_item_id,
        coalesce(links.linked_at, greatest(blocked.created_at, blocking.created_at))
            as blocked_from,
        least(
            coalesce(links.unlinked_at, as_of.as_of), coalesce(blocking.resolved_at, as_of.as_of)
        ) as blocked_to

    from links
    cross join as_of
    left join work_items as blocked on links.blocked_work_item_id = blocked.work_item_id
    left join work_items as blocking on links.blocking_work_item_id = blocking.work_item_id
),

-- Whose the other item is says its system, and never whom it is assigned to.
blocked as (
    select
        lives.change_key,
        'blocked' as kind,
        blocks.blocked_from as waited_from,
        blocks.blocked_to as waited_to

    from blocks
    inner join change_work_items on blocks.blocked_work_item_id = change_work_items.work_item_id
    inner join lives on change_work_items.change_key = lives.change_key
    inner join item_systems on blocks.blocking_work_item_id = item_systems.work_item_id
    inner join system_owners
        on
            item_systems.system_key = system_owners.system_key
            and cast(blocks.blocked_from as date) >= system_owners.valid_from
            and cast(blocks.blocked_from as date) < system_owners.valid_to
            and lives.team_key != system_owners.team_key
),

-- Until somebody reviews: from which team they are nobody asks.
requested as (
    select
        lives.change_key,
        'review_requested' as kind,
        review_requests.requested_at as waited_from,
        coalesce(min(human_reviews.submitted_at), max(lives.merged_at), max(as_of.as_of))
            as waited_to

    from review_requests
    cross join as_of
    inner join teams on review_requests.team_key = teams.team_key
    inner join lives
        on
            review_requests.change_key = lives.change_key
            and review_requests.team_key != lives.team_key
    left join human_reviews
        on
            review_requests.change_key = human_reviews.change_key
            and review_requests.requested_at < human_reviews.submitted_at
    group by lives.change_key, review_requests.team_key, review_requests.requested_at
),

final as (
    select * from blocked
    union all
    select * from requested
)

select * from final
where waited_from < waited_to
