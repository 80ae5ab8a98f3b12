with landed as (
    {{ union_sources(
        'work_item_links', key=['link_id'],
        columns=['work_item_id', 'kind', 'other_work_item_id', 'linked_at', 'unlinked_at'],
    ) }}
),

-- A tracker tells one link from either end.
final as (
    select
        -- keys
        link_id,
        case when kind = 'blocks' then other_work_item_id else work_item_id end
            as blocked_work_item_id,
        case when kind = 'blocks' then work_item_id else other_work_item_id end
            as blocking_work_item_id,

        -- properties
        source,

        -- timestamps
        linked_at,
        unlinked_at

    from landed
)

select * from final
