with landed as (
    {{ union_sources('change_work_items', [
        'repository', 'change_id', 'work_item_id',
    ]) }}
),

-- An event that two sources deliver is one event: the source that knows most tells it.
ranked as (
    select
        *,
        row_number() over (
            partition by repository, change_id, work_item_id order by source_rank
        ) as preference
    from landed
),

final as (
    select
        -- keys
        repository || '!' || change_id as change_key,
        work_item_id,

        -- properties
        source

    from ranked
    where preference = 1
)

select * from final
