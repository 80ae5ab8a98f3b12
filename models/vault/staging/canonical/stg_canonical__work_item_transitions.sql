with landed as (
    {{ union_sources('work_item_transitions', [
        'work_item_id', 'status', 'changed_at',
    ]) }}
),

-- An event that two sources deliver is one event: the source that knows most tells it.
ranked as (
    select
        *,
        row_number() over (
            partition by work_item_id, changed_at, status order by source_rank
        ) as preference
    from landed
),

final as (
    select
        -- keys
        work_item_id,

        -- properties
        status,
        source,

        -- timestamps
        changed_at

    from ranked
    where preference = 1
)

select * from final
