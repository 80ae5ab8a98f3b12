with usage as (
    select * from {{ ref('stg_canonical__ai_usage') }}
),

licences as (
    select * from {{ ref('int_ai_licences') }}
    where is_held_on_monday
),

told_tools as (
    select * from {{ ref('int_ai_told_tools') }}
),

accounts as (
    select * from {{ ref('stg_door__people') }}
),

-- Use without a seat is no use of one; and however many tools and accounts, a person is one.
final as (
    select distinct
        -- keys
        licences.team_key,
        licences.quarter_start,
        licences.week_start,

        -- person data
        accounts.person_key

    from usage
    inner join licences
        on
            usage.team = licences.team_key
            and usage.tool = licences.tool
            and usage.week_start = licences.week_start
    inner join told_tools
        on
            licences.tool = told_tools.tool
            and licences.quarter_start = told_tools.quarter_start
    inner join accounts on usage.account_key = accounts.landed_key
    where
        accounts.is_resolved
        and not usage.account_is_bot
)

select * from final
