with landed as (
    {{ union_sources('survey_waves', key=['wave_id'], columns=['opened_at', 'closed_at']) }}
),

final as (
    select
        -- keys
        wave_id,

        -- properties
        source,

        -- timestamps
        opened_at,
        closed_at

    from landed
)

select * from final
