with findings as (
    select * from {{ ref('findings') }}
),

baseline_signals as (
    select * from {{ ref('baseline_signals') }}
    where slice = 'all'
),

rules as (
    select * from {{ ref('agenda_rules') }}
),

from_findings as (
    select
        findings.grain,
        findings.grain_key,
        findings.bucket,
        findings.bucket_start,
        rules.rule,
        rules.symptom,
        findings.stage,
        rules.dimension,
        rules.move,
        'none' as metric_key,
        'none' as statistic,
        'none' as clock,
        findings.value,
        findings.lower_bound,
        findings.upper_bound,
        findings.item_count,
        findings.confidence,
        -- Of the whole working life: the stage's wait times what the move is to take away.
        {{ cut('findings.lower_bound * rules.effect_lower', 0.001) }} as effect_lower,
        {{ cut('findings.upper_bound * rules.effect_upper', 0.001) }} as effect_upper,
        coalesce(rules.effect_source, 'none') as effect_source,
        findings.as_of

    from rules
    inner join findings
        on
            rules.symptom = findings.finding
            and (rules.stage is null or rules.stage = findings.stage)
),

-- The newest bucket of each series: what was a signal a year ago is no decision today.
newest as (
    select
        *,
        max(bucket_start) over (partition by bucket) as newest_start

    from baseline_signals
    where grain in ('value_stream', 'portfolio')
),

from_signals as (
    select
        newest.grain,
        newest.grain_key,
        newest.bucket,
        newest.bucket_start,
        rules.rule,
        rules.symptom,
        'none' as stage,
        rules.dimension,
        rules.move,
        newest.metric_key,
        newest.statistic,
        newest.clock,
        newest.value,
        newest.lower_limit as lower_bound,
        newest.upper_limit as upper_bound,
        cast(null as bigint) as item_count,
        'medium' as confidence,
        cast(null as numeric(18, 4)) as effect_lower,
        cast(null as numeric(18, 4)) as effect_upper,
        coalesce(rules.effect_source, 'none') as effect_source,
        newest.as_of

    from rules
    inner join newest
        on
            rules.symptom = 'signal'
            and rules.metric_key = newest.metric_key
            and newest.meaning = 'worse'
            and newest.bucket_start = newest.newest_start
),

final as (
    select * from from_findings
    union all
    select * from from_signals
)

select * from final
