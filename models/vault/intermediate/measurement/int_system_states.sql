with open_stock as (
    select * from {{ ref('int_open_stock') }}
),

pipeline_days as (
    select * from {{ ref('int_pipeline_days') }}
),

weeks as (
    select * from {{ ref('int_weeks') }}
),

checked_systems as (
    select * from {{ ref('int_checked_systems') }}
),

coverage_weeks as (
    select * from {{ ref('int_coverage_weeks') }}
),

measured as (
    {%- for metric, stock in [('security_debt_age', 'finding'), ('defect_age', 'defect')] %}
    select
        event_key,
        '{{ metric }}' as metric_key,
        'quantile' as kind,
        'all' as slice,
        'all' as slice_value,
        'wall' as clock,
        system_key,
        team_key,
        value_stream_key,
        bucket,
        bucket_start,
        age_seconds as amount,
        cast(1 as bigint) as denominator

    from open_stock
    where stock = '{{ stock }}'
    union all
    {%- endfor %}
    {%- for slice, slice_value in [('all', "'all'"), ('severity', 'severity')] %}
    select
        event_key,
        'security_debt_overdue_share' as metric_key,
        'share' as kind,
        '{{ slice }}' as slice,
        {{ slice_value }} as slice_value,
        'none' as clock,
        system_key,
        team_key,
        value_stream_key,
        bucket,
        bucket_start,
        cast(case when is_overdue then 1 else 0 end as bigint) as amount,
        cast(1 as bigint) as denominator

    from open_stock
    where is_overdue is not null
    union all
    {%- endfor %}
    select
        pipeline_days.system_key
        || '|' || cast(pipeline_days.day as {{ dbt.type_string() }}) as event_key,
        'pipeline_reliability' as metric_key,
        'share' as kind,
        'all' as slice,
        'all' as slice_value,
        'none' as clock,
        pipeline_days.system_key,
        pipeline_days.team_key,
        pipeline_days.value_stream_key,
        weeks.bucket,
        weeks.bucket_start,
        cast(case when pipeline_days.is_green then 1 else 0 end as bigint) as amount,
        cast(1 as bigint) as denominator

    from pipeline_days
    inner join weeks
        on cast({{ dbt.date_trunc('week', 'pipeline_days.day') }} as date) = weeks.week_start
    union all
    select
        system_key as event_key,
        'security_check_coverage' as metric_key,
        'share' as kind,
        'check_kind' as slice,
        check_kind as slice_value,
        'none' as clock,
        system_key,
        team_key,
        value_stream_key,
        bucket,
        bucket_start,
        cast(case when is_checked then 1 else 0 end as bigint) as amount,
        cast(1 as bigint) as denominator

    from checked_systems
    union all
    select
        system_key as event_key,
        'test_coverage' as metric_key,
        'share' as kind,
        'all' as slice,
        'all' as slice_value,
        'none' as clock,
        system_key,
        team_key,
        value_stream_key,
        bucket,
        bucket_start,
        covered_lines as amount,
        total_lines as denominator

    from coverage_weeks
    where is_latest
),

final as (
    select
        event_key,
        metric_key,
        kind,
        slice,
        slice_value,
        clock,
        system_key,
        team_key,
        value_stream_key,
        bucket,
        bucket_start,
        amount,
        denominator

    from measured
)

select * from final
