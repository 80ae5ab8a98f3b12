with lives as (
    select * from {{ ref('int_change_lives') }}
),

weeks as (
    select * from {{ ref('int_weeks') }}
),

review_matches as (
    select * from {{ ref('int_review_matches') }}
),

source_loads as (
    select * from {{ ref('int_source_loads') }}
),

settings as (
    select * from {{ ref('int_settings') }}
),

activity as (
    select * from {{ ref('int_activity') }}
    where
        population = 'merged'
        and role is not null
),

-- Whose work a share of a source rests on; what bots alone did is nobody's.
contributors as (
    select
        lives.source,
        weeks.bucket_start,
        count(distinct activity.person_key) as people_count

    from activity
    inner join lives on activity.change_key = lives.change_key
    inner join weeks
        on
            cast({{ dbt.date_trunc('week', 'activity.counted_at') }} as date) = weeks.week_start
            and weeks.bucket = 'quarter'
    group by lives.source, weeks.bucket_start
),

latest_quarter as (
    select max(bucket_start) as bucket_start
    from weeks
    where bucket = 'quarter'
),

facts as (
    {%- for metric, condition in [
        ('mapped_share', "lives.team_key != 'unassigned'"),
        ('tracker_linked_share', 'lives.has_tracker_evidence'),
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
        source,
        submitted_at as counted_at,
        case when is_matched then 1 else 0 end as is_so

    from review_matches
),

-- By quarter and without counts: weekly ones would tell of a single change, and whose it was.
shares as (
    select
        facts.metric_key,
        facts.source,
        weeks.bucket,
        weeks.bucket_start,
        sum(facts.is_so) as numerator,
        count(*) as denominator,
        0.01 as precision_step

    from facts
    inner join weeks
        on
            cast({{ dbt.date_trunc('week', 'facts.counted_at') }} as date) = weeks.week_start
            and weeks.bucket = 'quarter'
    left join contributors
        on
            facts.source = contributors.source
            and weeks.bucket_start = contributors.bucket_start
    group by facts.metric_key, facts.source, weeks.bucket, weeks.bucket_start
    having
        count(*) >= 20
        and coalesce(
            min(contributors.people_count),
            -- Reviews are somebody's even where nothing merged.
            case
                when facts.metric_key = 'review_matched_share' then 0 else {{ minimum_people() }}
            end
        ) >= {{ minimum_people() }}
),

-- Loads have no bucket: they are told with the newest closed quarter.
load_shares as (
    select
        'quarantined_share' as metric_key,
        source,
        rows_quarantined as numerator,
        rows_read as denominator

    from source_loads
    union all
    select
        'late_share' as metric_key,
        source,
        rows_updated as numerator,
        rows_inserted + rows_updated as denominator

    from source_loads
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
        load_shares.denominator,
        0.0001 as precision_step

    from load_shares
    cross join latest_quarter
    where latest_quarter.bucket_start is not null
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
        {{ cut('share', 'precision_step') }} as value,
        {{ cut('share_lower', 'precision_step', 'floor') }} as lower_bound,
        {{ cut('share_upper', 'precision_step', 'ceil') }} as upper_bound,
        cast(null as numeric(18, 4)) as numerator,
        cast(null as numeric(18, 4)) as denominator,
        cast(null as bigint) as sample_size,
        'wilson' as method,
        'ok' as status

    from bounded
    union all
    select
        'source_lag' as metric_key,
        'portfolio' as grain,
        'all' as grain_key,
        'source' as slice,
        source_loads.source as slice_value,
        'count' as statistic,
        'wall' as clock,
        'quarter' as bucket,
        latest_quarter.bucket_start,
        {{ cut('source_loads.lag_hours', 0.1) }} as value,
        {{ cut('source_loads.lag_hours', 0.1) }} as lower_bound,
        {{ cut('source_loads.lag_hours', 0.1) }} as upper_bound,
        cast(null as numeric(18, 4)) as numerator,
        cast(null as numeric(18, 4)) as denominator,
        cast(1 as bigint) as sample_size,
        'census' as method,
        'ok' as status

    from source_loads
    cross join latest_quarter
    where latest_quarter.bucket_start is not null
)

select * from final
