with landed as (
    {{ union_sources(
        'changes', key=['repository', 'change_id'],
        columns=[
            'author_key', 'author_is_bot', 'opened_at', 'merged_at', 'closed_at',
            'merge_commit', 'first_commit_at', 'is_hotfix', 'is_assisted', 'reverts_change_id',
        ],
    ) }}
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

    from landed
)

select * from final
