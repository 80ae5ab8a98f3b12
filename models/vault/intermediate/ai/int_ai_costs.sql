with licences as (
    select * from {{ ref('int_ai_licences') }}
),

prices as (
    select
        tool,
        price,
        coalesce(valid_from, cast('1900-01-01' as date)) as holds_from,
        lead(valid_from, 1, cast('9999-01-01' as date)) over (
            partition by tool order by coalesce(valid_from, cast('1900-01-01' as date))
        ) as holds_to

    from {{ ref('ai_tool_prices') }}
),

dated as (
    select
        *,
        cast({{ dbt.dateadd('day', 6, 'week_start') }} as date) as week_last_day

    from licences
),

-- By the day, at the price of the week's last one; a month is a twelfth of 365 days.
final as (
    select
        -- keys
        dated.tool,
        dated.team_key,
        dated.value_stream_key,

        -- time
        dated.week_start,

        -- measures
        dated.seats,
        cast(
            round(dated.seats * dated.day_count * prices.price * 12 / 365.0, 2) as numeric(18, 2)
        ) as seat_cost

    from dated
    left join prices
        on
            dated.tool = prices.tool
            and dated.week_last_day >= prices.holds_from
            and dated.week_last_day < prices.holds_to
)

select * from final
