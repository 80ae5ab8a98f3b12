with lives as (
    select * from {{ ref('int_change_lives') }}
),

weeks as (
    select * from {{ ref('int_weeks') }}
),

change_reviews as (
    select * from {{ ref('stg_canonical__change_reviews') }}
),

load_counts as (
    select * from {{ ref('stg_door__load_counts') }}
),

connections as (
    select * from {{ ref('stg_door__connections') }}
),

latest_quarter as (
    select max(bucket_start) as bucket_start
    from weeks
    where bucket = 'quarter'
),

facts as (
    {%- for metric, condition in [
        ('mapped_share', "lives.system_key != 'unassigned'"),
        ('tracker_linked_share', 'lives.has_work_item'),
        ('deployment_linked_share', 'lives.deployed_at is not null'),
        ('order_repaired_share', 'lives.is_order_repaired'),
    ] %}
    select
        '{{ metric }}' as metric_key,
        lives.source,
        lives.merged_at as counted_at,
        case when {{ condition }} then 1 else 0 end as is_so

    from lives
    where lives.merged_at is not null
    union all
    {%- endfor %}
    select
        'review_matched_share' as metric_key,
        change_reviews.source,
        change_reviews.submitted_at as counted_at,
        case when lives.change_key is not null then 1 else 0 end as is_so

    from change_reviews
    left join lives on change_reviews.change_key = lives.change_key
),

-- As on the floor's spine: from the first bucket that the data cover whole.
first_week as (
    select cast({{ dbt.date_trunc('week', 'min(counted_at)') }} as date) as week_start
    from facts
),

shares as (
    select
        facts.metric_key,
        facts.source,
        weeks.bucket,
        weeks.bucket_start,
        sum(facts.is_so) as numerator,
        count(*) as denominator

    from facts
    inner join weeks
        on cast({{ dbt.date_trunc('week', 'facts.counted_at') }} as date) = weeks.week_start
    cross join first_week
    where weeks.bucket_start >= first_week.week_start
    group by facts.metric_key, facts.source, weeks.bucket, weeks.bucket_start
),

row_sums as (
    select
        source,
        sum(rows_quarantined) as rows_quarantined,
        sum(rows_updated) as rows_updated,
        sum(rows_read) as rows_read

    from load_counts
    group by source
),

-- Loads have no bucket: they are told with the newest closed quarter.
load_shares as (
    select
        'quarantined_share' as metric_key,
        source,
        rows_quarantined as numerator,
        rows_read as denominator

    from row_sums
    union all
    select
        'late_share' as metric_key,
        source,
        rows_updated as numerator,
        rows_read as denominator

    from row_sums
),

all_shares as (
    select * from shares
    union all
    select
        load_shares.metric_key,
        load_shares.source,
        'quarter' as bucket,
        latest_quarter.bucket_start,
        load_shares.numerator,
        load_shares.denominator

    from load_shares
    cross join latest_quarter
    where latest_quarter.bucket_start is not null
),

furthest as (
    select max(loaded_to) as loaded_to from connections
),

lags as (
    select
        connections.source,
        {{ seconds_between('min(connections.loaded_to)', 'max(furthest.loaded_to)') }} / 3600.0
            as lag_hours

    from connections
    cross join furthest
    group by connections.source
),

bounded as (
    select
        *,
        numerator * 1.0 / denominator as share,
        {{ wilson('numerator', 'denominator', 'lower') }} as share_lower,
        {{ wilson('numerator', 'denominator', 'upper') }} as share_upper

    from all_shares
    where denominator > 0
),

final as (
    select
        metric_key,
        'portfolio' as grain,
        'all' as grain_key,
        'source' as slice,
        source as slice_value,
        'share' as statistic,
        'none' as clock,
        bucket,
        bucket_start,
        {{ cut('share', 0.0001) }} as value,
        {{ cut('share_lower', 0.0001, 'floor') }} as lower_bound,
        {{ cut('share_upper', 0.0001, 'ceil') }} as upper_bound,
        cast(numerator as numeric(18, 4)) as numerator,
        cast(denominator as numeric(18, 4)) as denominator,
        cast(denominator as bigint) as sample_size,
        'wilson' as method,
        'ok' as status

    from bounded
    union all
    select
        'source_lag' as metric_key,
        'portfolio' as grain,
        'all' as grain_key,
        'source' as slice,
        lags.source as slice_value,
        'count' as statistic,
        'wall' as clock,
        'quarter' as bucket,
        latest_quarter.bucket_start,
        {{ cut('lags.lag_hours', 0.1) }} as value,
        {{ cut('lags.lag_hours', 0.1) }} as lower_bound,
        {{ cut('lags.lag_hours', 0.1) }} as upper_bound,
        cast(null as numeric(18, 4)) as numerator,
        cast(null as numeric(18, 4)) as denominator,
        cast(1 as bigint) as sample_size,
        'census' as method,
        'ok' as status

    from lags
    cross join latest_quarter
    where latest_quarter.bucket_start is not null
)

select * from final
