{{ config(group='vault') }}
-- So that the sums of the stages leave nobody out: known start, ready, approval, merge, deployment.
with lives as (
    select * from {{ ref('int_change_lives') }}
    where
        started_at is not null
        and ready_at is not null
        and approved_at is not null
        and merged_at is not null
        and deployed_at is not null
),

stages as (
    select * from {{ ref('int_change_stages') }}
)

select lives.change_key
from lives
left join stages on lives.change_key = stages.change_key
group by lives.change_key
having count(stages.stage) != 4
