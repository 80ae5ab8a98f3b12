-- How far can the figures of the newest quarter be trusted, and what would help?
select
    dim_metric.domain,
    count(*) as figures,
    count(*) filter (metric_confidence.confidence = 'high') as high,
    count(*) filter (metric_confidence.confidence = 'medium') as medium,
    count(*) filter (metric_confidence.confidence = 'low') as low,
    count(*) filter (metric_confidence.sample_confidence = 'low') as for_few_events,
    count(*) filter (metric_confidence.coverage_confidence = 'low') as for_missing_links,
    count(*) filter (metric_confidence.freshness_confidence = 'low') as for_stale_sources
from metric_confidence
inner join dim_metric on metric_confidence.metric_key = dim_metric.metric_key
where metric_confidence.bucket_start = (select max(bucket_start) from metric_confidence)
group by dim_metric.domain
order by dim_metric.domain
