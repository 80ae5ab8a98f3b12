-- How does the portfolio stand beside what others report, and of which year is that?
select
    dim_metric.metric_name as metric,
    portfolio_signals.value,
    portfolio_signals.lower_bound as from_value,
    portfolio_signals.upper_bound as to_value,
    dim_metric.unit,
    portfolio_signals.benchmark_year as year,
    portfolio_signals.benchmark_level as group_of_others,
    portfolio_signals.benchmark_lower as others_from,
    portfolio_signals.benchmark_upper as others_to
from portfolio_signals
inner join dim_metric on portfolio_signals.metric_key = dim_metric.metric_key
where
    portfolio_signals.benchmark_level != 'none'
    and portfolio_signals.bucket_start = (select max(bucket_start) from portfolio_signals)
order by metric, year desc, others_from
