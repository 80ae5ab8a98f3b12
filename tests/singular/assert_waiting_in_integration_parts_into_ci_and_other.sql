{{ config(group='vault') }}
-- Of every change whose CI is known: waiting for CI and for anything else are the whole wait.
with measurements as (
    select * from {{ ref('int_flow_measurements') }}
    where metric_key = 'wait_share'
),

parts as (
    select
        change_key,
        sum(numerator) as waiting_seconds,
        min(denominator) as life_seconds

    from measurements
    where stage in ('ci', 'other')
    group by change_key
),

wholes as (
    select
        change_key,
        numerator as waiting_seconds,
        denominator as life_seconds

    from measurements
    where stage = 'integration'
)

select parts.change_key
from parts
left join wholes on parts.change_key = wholes.change_key
where
    wholes.change_key is null
    or parts.waiting_seconds != wholes.waiting_seconds
    or parts.life_seconds != wholes.life_seconds
