-- Prices and what an hour costs are set against each other and added up: of two currencies nobody
-- could. Put one into seeds/organisation/ai_tool_prices.csv and ai_value_assumptions.csv.
with prices as (
    select * from {{ ref('ai_tool_prices') }}
),

assumptions as (
    select * from {{ ref('ai_value_assumptions') }}
),

currencies as (
    select currency from prices
    union
    select currency from assumptions
),

final as (
    select
        min(currency) as one_currency,
        max(currency) as other_currency

    from currencies
    having min(currency) != max(currency)
)

select * from final
