with landed as (
    {{ union_sources(
        'survey_responses', key=['wave_id', 'respondent_key', 'item'],
        columns=['respondent_is_bot', 'team', 'score', 'hours'],
    ) }}
),

final as (
    select
        -- keys
        wave_id,
        item,
        team,

        -- person data
        respondent_key,
        respondent_is_bot,

        -- properties
        source,

        -- measures
        score,
        cast(hours as numeric(9, 3)) as hours

    from landed
)

select * from final
