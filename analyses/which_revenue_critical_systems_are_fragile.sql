-- Which revenue-critical systems are fragile, and for how long?
select
    dim_system.system_label as system,
    newest.bus_factor,
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
group by newest.grain_key, dim_system.system_label, newest.bus_factor, newest.criticality
order by newest.bus_factor, system
