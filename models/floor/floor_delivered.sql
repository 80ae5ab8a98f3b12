{%- set unit = "case when spine.statistic = 'rate' then buckets.week_count else 1 end" -%}
{%- set upper_of_nothing = poisson('0.0', 'upper') ~ ' / ' ~ unit -%}
{%- set of_incidents =
    "(
        'change_fail_rate', 'failed_deployment_recovery_time', 'incident_rate',
        'incident_severity_mix'
    )"
-%}
{#- What is counted of other events is no 0 where there were none of these. -#}
{%- set is_rate =
    "(spine.statistic in ('count', 'rate') and spine.metric_key != 'escaped_defects')"
-%}
{%- set is_count = "(" ~ is_rate ~ " or spine.metric_key = 'deployment_days')" -%}
with spine as (
    select * from {{ ref('floor_spine') }}
    where class = 'S'
),

observed as (
    select * from {{ ref('observed_deliveries') }}
    union all
    select * from {{ ref('observed_deployment_days') }}
    union all
    select * from {{ ref('observed_system_states') }}
    union all
    select * from {{ ref('observed_per_hundred') }}
    union all
    select * from {{ ref('observed_coverage_trends') }}
    union all
    select * from {{ ref('observed_ai_costs') }}
),

services as (
    select * from {{ ref('floor_services') }}
),

buckets as (
    select * from {{ ref('int_buckets') }}
),

system_owners as (
    select * from {{ ref('int_system_owners') }}
),

systems_of_unplaced_incidents as (
    select * from {{ ref('int_systems_of_unplaced_incidents') }}
),

-- Groups that may have had an incident which no system is known to have had.
unplaced as (
    select
        'system' as grain,
        system_key as grain_key
    from systems_of_unplaced_incidents
    union
    select
        'portfolio' as grain,
        'all' as grain_key
    from systems_of_unplaced_incidents
    {%- for grain in ['team', 'value_stream'] %}
    union
    select
        '{{ grain }}' as grain,
        system_owners.{{ grain }}_key as grain_key
    from systems_of_unplaced_incidents
    inner join system_owners
        on systems_of_unplaced_incidents.system_key = system_owners.system_key
    {%- endfor %}
),

-- A group of which no source ever told a deployment is not one that had none, nor one without
-- incidents, of which it had no deployment and no incident told.
connected as (
    select
        grain,
        grain_key,
        min(case when metric_key = 'deployment_frequency' then bucket_start end) as deployed_from,
        min(bucket_start) as told_from

    from observed
    where
        metric_key in ('deployment_frequency', 'incident_rate')
        and bucket = 'week'
    group by grain, grain_key
),

-- Of a connected group nothing is a measured 0, with its range; a ratio over nothing is no data.
told as (
    select
        spine.metric_key,
        spine.grain,
        spine.grain_key,
        spine.slice,
        spine.slice_value,
        spine.statistic,
        spine.clock,
        spine.bucket,
        spine.bucket_start,
        case
            when
                unplaced.grain_key is not null
                and spine.metric_key in {{ of_incidents }}
                then 'not_measurable'
            else spine.measurability
        end as measurability,
        spine.min_sample,
        spine.precision_step,
        {{ is_count }} as is_count,
        coalesce(
            case
                when spine.metric_key = 'incident_rate' then connected.told_from
                else connected.deployed_from
            end < buckets.bucket_end,
            false
        ) as is_connected,
        coalesce(services.is_open, false) as is_open,
        observed.metric_key is not null as is_observed,
        observed.is_supported,
        observed.numerator,
        observed.denominator,
        {%- for column, nothing in [
            ('value', '0'),
            ('lower_bound', '0'),
            ('upper_bound', 'case when ' ~ is_rate ~ ' then ' ~ upper_of_nothing ~ ' else 0 end'),
            ('sample_size', 'case when ' ~ is_rate ~ ' then 0 else buckets.week_count end'),
            (
                'method',
                'case when ' ~ is_rate ~ " then 'poisson_wilson_hilferty' else 'census' end"
            ),
        ] %}
        case
            when {{ is_count }}
                then coalesce(observed.{{ column }}, {{ nothing }})
            else observed.{{ column }}
        end as {{ column }}{% if not loop.last %},{% endif %}
        {%- endfor %}

    from spine
    inner join buckets
        on
            spine.bucket = buckets.bucket
            and spine.bucket_start = buckets.bucket_start
    left join unplaced
        on
            spine.grain = unplaced.grain
            and spine.grain_key = unplaced.grain_key
    left join connected
        on
            spine.grain = connected.grain
            and spine.grain_key = connected.grain_key
    left join services
        on
            spine.grain = services.grain
            and spine.grain_key = services.grain_key
            and spine.bucket = services.bucket
            and spine.bucket_start = services.bucket_start
    left join observed
        on
            spine.metric_key = observed.metric_key
            and spine.slice = observed.slice
            and spine.slice_value = observed.slice_value
            and spine.statistic = observed.statistic
            and spine.clock = observed.clock
            and spine.grain = observed.grain
            and spine.grain_key = observed.grain_key
            and spine.bucket = observed.bucket
            and spine.bucket_start = observed.bucket_start
),

judged as (
    select
        *,
        case
            when measurability != 'ok' then measurability
            when not is_open then 'withheld'
            when is_count and is_connected then 'ok'
            when is_count or not is_observed then 'no_data'
            when sample_size >= min_sample and is_supported then 'ok'
            else 'withheld'
        end as status

    from told
),

final as (
    {{ told_observation('judged') }}
)

select * from final
