-- Do we reach what we set out to?
with newest as (
    select distinct
        metric_key,
        grain,
        grain_key,
        target_value,
        value,
        lower_bound,
        upper_bound,
        against_target

    from matrices
    where
        target_value is not null
        and bucket_start = (select max(bucket_start) from matrices)
)

select
    dim_metric.metric_name as metric,
    coalesce(dim_value_stream.value_stream_label, newest.grain_key) as whose,
    newest.target_value as target,
    newest.value,
    newest.lower_bound as from_value,
    newest.upper_bound as to_value,
    newest.against_target

from newest
inner join dim_metric on newest.metric_key = dim_metric.metric_key
left join dim_value_stream on newest.grain_key = dim_value_stream.value_stream_key
order by metric, whose
