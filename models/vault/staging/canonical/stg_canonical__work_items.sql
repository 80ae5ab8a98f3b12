with landed as (
    {{ union_sources('work_items', [
        'work_item_id', 'work_type', 'created_at', 'resolved_at', 'states_outcome',
    ]) }}
),

-- An event that two sources deliver is one event: the source that knows most tells it.
ranked as (
    select
        *,
        row_number() over (
            partition by work_item_id order by source_rank
        ) as preference
    from landed
),

final as (
    select
        -- keys
        work_item_id,

        -- properties
        work_type,
        states_outcome,
        source,

        -- timestamps
        created_at,
        resolved_at

    from ranked
    where preference = 1
)

select * from final
