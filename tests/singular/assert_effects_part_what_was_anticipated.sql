{{ config(group='vault') }}
-- Each initiative that anticipated an effect in numbers reached it, missed it or was not measured.
with measurements as (
    select * from {{ ref('int_outcome_measurements') }}
    where metric_key = 'anticipated_vs_actual'
)

select event_key
from measurements
group by event_key
having
    count(*) != 3
    or sum(amount) != 1
