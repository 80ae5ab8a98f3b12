-- Which revenue-critical systems are fragile, and for how long?
select
    dim_system.system_label as system,
    -- Of a band as of a number: no more people than these may leave.
    newest.bus_factor_upper as bus_factor_at_most,
    newest.criticality,
    count(*) filter (history.is_fragile) as fragile_quarters,
    count(*) filter (history.status = 'ok') as told_quarters
from system_knowledge as newest
inner join system_knowledge as history on newest.grain_key = history.grain_key
inner join dim_system on newest.grain_key = dim_system.system_key
where
    newest.is_revenue_critical
    and newest.is_fragile
    and newest.bucket_start = (select max(bucket_start) from system_knowledge)
group by newest.grain_key, dim_system.system_label, newest.bus_factor_upper, newest.criticality
order by newest.bus_factor_upper, system
