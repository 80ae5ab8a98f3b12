with landed as (
    {{ union_sources('changes', [
        'repository', 'change_id', 'author_key', 'author_is_bot', 'opened_at', 'merged_at',
        'closed_at', 'merge_commit', 'first_commit_at', 'is_hotfix', 'is_assisted',
        'reverts_change_id',
    ]) }}
),

-- An event that two sources deliver is one event: the source that knows most tells it.
ranked as (
    select
        *,
        row_number() over (
            partition by repository, change_id order by source_rank
        ) as preference
    from landed
),

final as (
    select
        -- keys
        repository || '!' || change_id as change_key,
        case
            when merge_commit is not null then repository || '@' || merge_commit
        end as merge_commit_key,
        repository,
        change_id,
        reverts_change_id,

        -- person data
        author_key,
        author_is_bot,

        -- properties
        is_hotfix,
        is_assisted,
        source,

        -- timestamps
        opened_at,
        merged_at,
        closed_at,
        first_commit_at

    from ranked
    where preference = 1
)

select * from final
