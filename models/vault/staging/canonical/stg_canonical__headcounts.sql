with landed as (
    {{ union_sources(
        'headcounts', key=['quarter', 'team'], columns=['people_count', 'leaver_count'],
    ) }}
),

final as (
    select
        -- keys
        quarter,
        team,

        -- properties
        source,

        -- measures
        people_count,
        leaver_count

    from landed
)

select * from final
