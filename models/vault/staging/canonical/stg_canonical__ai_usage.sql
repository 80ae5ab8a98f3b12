with landed as (
    {{ union_sources(
        'ai_usage', key=['account_key', 'tool', 'week_start'],
        columns=['account_is_bot', 'team'],
    ) }}
),

final as (
    select
        -- keys
        tool,
        team,

        -- person data
        account_key,
        account_is_bot,

        -- properties
        source,

        -- dates
        cast(week_start as date) as week_start

    from landed
)

select * from final
