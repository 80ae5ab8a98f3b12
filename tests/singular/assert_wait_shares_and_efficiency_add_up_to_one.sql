{{ config(group='vault') }}
-- Of every change that is measured: four waits and the work are the whole life.
with measurements as (
    select * from {{ ref('int_flow_measurements') }}
    where
        kind = 'ratio'
        and population = 'whole_life'
)

select change_key
from measurements
group by change_key
having
    count(*) != 5
    or sum(numerator) != max(denominator)
    or min(denominator) != max(denominator)
