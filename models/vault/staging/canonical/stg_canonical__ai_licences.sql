with landed as (
    {{ union_sources(
        'ai_licences', key=['team', 'tool', 'valid_from'], columns=['valid_to', 'seats'],
    ) }}
),

final as (
    select
        -- keys
        team,
        tool,

        -- properties
        source,

        -- measures
        seats,

        -- dates
        cast(valid_from as date) as valid_from,
        cast(valid_to as date) as valid_to

    from landed
)

select * from final
