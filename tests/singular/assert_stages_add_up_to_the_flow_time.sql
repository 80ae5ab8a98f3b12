{{ config(group='vault') }}
-- Exactly, on both clocks, for every change whose four stages are known.
with lives as (
    select * from {{ ref('int_change_lives') }}
),

stages as (
    select * from {{ ref('int_change_stages') }}
),

summed as (
    select
        change_key,
        sum(wall_seconds) as wall_seconds,
        sum(working_seconds) as working_seconds

    from stages
    group by change_key
    having count(*) = 4
)

select summed.*
from summed
inner join lives on summed.change_key = lives.change_key
where
    summed.wall_seconds != {{ seconds_between('lives.started_at', 'lives.deployed_at') }}
    or summed.working_seconds != lives.deployed_position - lives.started_position
