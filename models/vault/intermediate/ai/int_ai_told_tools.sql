with usage as (
    select * from {{ ref('stg_canonical__ai_usage') }}
),

licences as (
    select * from {{ ref('int_ai_licences') }}
    where
        is_held_on_monday
        and team_key != 'unassigned'
),

accounts as (
    select * from {{ ref('stg_door__people') }}
),

settings as (
    select * from {{ ref('int_settings') }}
),

-- Whether a tool is told of must not say what one of few did.
final as (
    select
        licences.tool,
        licences.quarter_start

    from usage
    inner join licences
        on
            usage.team = licences.team_key
            and usage.tool = licences.tool
            and usage.week_start = licences.week_start
    inner join accounts on usage.account_key = accounts.landed_key
    where
        accounts.is_resolved
        and not usage.account_is_bot
    group by licences.tool, licences.quarter_start
    having count(distinct accounts.person_key) >= {{ minimum_people() }}
)

select * from final
