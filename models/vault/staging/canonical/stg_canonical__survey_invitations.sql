with landed as (
    {{ union_sources(
        'survey_invitations', key=['wave_id', 'team'], columns=['invited_count'],
    ) }}
),

final as (
    select
        -- keys
        wave_id,
        team,

        -- properties
        source,

        -- measures
        invited_count

    from landed
)

select * from final
