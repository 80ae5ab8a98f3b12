with measurements as (
    select * from {{ ref('int_change_measurements') }}
),

lives as (
    select * from {{ ref('int_measured_work') }}
),

population_times as (
    select * from {{ ref('int_population_times') }}
),

human_reviews as (
    select * from {{ ref('int_human_reviews') }}
),

metrics as (
    select * from {{ ref('metrics') }}
),

weeks as (
    select * from {{ ref('int_weeks') }}
),

first_reviewers as (
    select
        change_key,
        reviewer_key,
        row_number() over (partition by change_key order by submitted_at, review_id) as place

    from human_reviews
),

placed as (
    select
        measurements.metric_key,
        metrics.grains,
        measurements.kind,
        measurements.clock,
        measurements.change_key,
        measurements.amount,
        measurements.numerator,
        measurements.denominator,
        lives.system_key,
        lives.team_key,
        lives.value_stream_key,
        -- What bots opened is a slice of its own; its people are those who review it.
        case
            when lives.author_kind = 'human' and measurements.stage = 'all' then 'all'
            when measurements.stage in ('ci', 'other') then 'integration'
            when measurements.stage in ('assisted', 'unassisted') then 'assistance'
            when measurements.stage in ('green', 'yellow', 'red') then 'risk_zone'
            when
                measurements.stage in ('feature', 'defect', 'debt', 'risk', 'unplanned')
                then 'work_type'
            when
                measurements.stage in (
                    'outcome_anticipated', 'no_outcome_anticipated', 'no_initiative'
                )
                then 'initiative'
            when lives.author_kind = 'human' then 'stage'
            when measurements.stage = 'all' then 'author_kind'
            else 'bot_stage'
        end as slice,
        case
            when measurements.stage != 'all' then measurements.stage
            when lives.author_kind = 'human' then 'all'
            else 'bot'
        end as slice_value,
        case
            when lives.author_kind = 'human' then lives.author_key else first_reviewers.reviewer_key
        end as subject_key,
        weeks.bucket,
        weeks.bucket_start

    from measurements
    inner join metrics on measurements.metric_key = metrics.metric_key
    inner join lives on measurements.change_key = lives.change_key
    inner join population_times
        on
            measurements.change_key = population_times.change_key
            and measurements.population = population_times.population
    inner join weeks
        on
            cast({{ dbt.date_trunc('week', 'population_times.counted_at') }} as date)
            = weeks.week_start
    left join first_reviewers
        on
            measurements.change_key = first_reviewers.change_key
            and first_reviewers.place = 1
    -- What parts Integration or a population is told of people's changes only.
    where
        lives.author_kind = 'human'
        or measurements.stage in ('all', 'dev', 'review', 'integration', 'deploy')
),

final as (
    {%- for grain, grain_key in [
        ('team', 'team_key'),
        ('value_stream', 'value_stream_key'),
        ('system', 'system_key'),
        ('portfolio', "'all'"),
    ] %}
    select
        metric_key,
        kind,
        slice,
        slice_value,
        clock,
        '{{ grain }}' as grain,
        {{ grain_key }} as grain_key,
        bucket,
        bucket_start,
        change_key,
        subject_key,
        amount,
        numerator,
        denominator

    from placed
    where '|' || grains || '|' like '%|{{ grain }}|%'
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
)

select * from final
