with landed as (
    {{ union_sources(
        'review_requests', key=['repository', 'change_id', 'team', 'requested_at'],
    ) }}
),

final as (
    select
        -- keys
        repository || '!' || change_id as change_key,
        team as team_key,

        -- properties
        source,

        -- timestamps
        requested_at

    from landed
)

select * from final
