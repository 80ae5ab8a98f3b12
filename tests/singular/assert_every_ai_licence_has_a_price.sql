{{ config(group='vault') }}
-- Seats without a price would cost nothing. Add the tool, from the first day of its seats on, to
-- seeds/organisation/ai_tool_prices.csv, or leave that file out.
with costs as (
    select * from {{ ref('int_ai_costs') }}
),

prices as (
    select * from {{ ref('ai_tool_prices') }}
),

known as (
    select count(*) as price_count from prices
),

final as (
    select
        costs.tool,
        costs.week_start

    from costs
    cross join known
    where
        costs.seat_cost is null
        and known.price_count > 0
)

select * from final
