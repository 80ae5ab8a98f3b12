with series as (
    select
        *,
        case when needs_reviewers then 'reviewer' else 'author' end as subject_role

    from {{ ref('metric_series') }}
    where statistic = 'index'
),

-- Accounts that nobody declared may all be one person, and are none here.
subjects as (
    select * from {{ ref('floor_subjects') }}
    where
        bucket = 'quarter'
        and person_key is not null
        and event_count > 0
),

-- A group that had two owners in the quarter has rows under either; it is withheld anyway.
people as (
    select
        series.metric_key,
        series.slice,
        series.slice_value,
        series.clock,
        subjects.grain,
        subjects.grain_key,
        subjects.bucket,
        subjects.bucket_start,
        subjects.person_key,
        sum(subjects.event_count) as event_count,
        max(subjects.group_event_count) as group_event_count

    from series
    inner join subjects
        on
            series.population = subjects.population
            and series.author_kind = subjects.author_kind
            and series.subject_role = subjects.role
    group by
        series.metric_key, series.slice, series.slice_value, series.clock, subjects.grain,
        subjects.grain_key, subjects.bucket, subjects.bucket_start, subjects.person_key
),

ordered as (
    select
        *,
        row_number() over (
            partition by
                metric_key, slice, slice_value, clock, grain, grain_key, bucket, bucket_start
            order by event_count
        ) as place

    from people
),

-- Gini: 2 * sum(place * events) / (people * sum(events)) - (people + 1) / people, least first.
ranged as (
    select
        metric_key,
        slice,
        slice_value,
        'index' as statistic,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        2.0 * sum(place * event_count) / (count(*) * sum(event_count))
        - (count(*) + 1.0) / count(*) as value,
        cast(null as {{ type_double() }}) as lower_bound,
        cast(null as {{ type_double() }}) as upper_bound,
        cast(null as {{ type_double() }}) as numerator,
        cast(null as {{ type_double() }}) as denominator,
        cast(max(group_event_count) as bigint) as sample_size,
        'gini' as method,
        true as is_supported

    from ordered
    group by metric_key, slice, slice_value, clock, grain, grain_key, bucket, bucket_start
),

-- Doubles end here: what follows compares and cuts exact decimals.
final as (
    {{ exact_observation('ranged') }}
)

select * from final
