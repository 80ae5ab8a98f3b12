{{ config(group='vault') }}
-- The working life reaches from the work that the first touches vouch for to the deployment.
with lives as (
    select * from {{ ref('int_change_lives') }}
),

stages as (
    select * from {{ ref('int_change_stages') }}
),

summed as (
    select
        change_key,
        sum(active_seconds + waiting_seconds) as life_seconds,
        min(active_seconds) as least_active_seconds,
        min(waiting_seconds) as least_waiting_seconds

    from stages
    group by change_key
    having count(*) = 4
)

select summed.*
from summed
inner join lives on summed.change_key = lives.change_key
where
    summed.life_seconds != lives.deployed_position - lives.worked_from_position
    or summed.least_active_seconds < 0
    or summed.least_waiting_seconds < 0
