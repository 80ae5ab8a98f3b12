with activity as (
    select * from {{ ref('int_activity') }}
),

weeks as (
    select * from {{ ref('int_weeks') }}
),

placed as (
    select
        activity.population,
        activity.author_kind,
        activity.role,
        activity.person_key,
        activity.change_key,
        activity.system_key,
        activity.team_key,
        activity.value_stream_key,
        weeks.bucket,
        weeks.bucket_start

    from activity
    inner join weeks
        on cast({{ dbt.date_trunc('week', 'activity.counted_at') }} as date) = weeks.week_start
    -- Open work is what is open at the bucket's end, so only its last week counts.
    where
        activity.role is not null
        and (activity.population != 'in_progress' or weeks.week_end = weeks.bucket_end)
),

grouped as (
    {%- for grain, grain_key, parent_grain, parent_key in [
        ('portfolio', "'all'", 'none', "'none'"),
        ('value_stream', 'value_stream_key', 'portfolio', "'all'"),
        ('team', 'team_key', 'value_stream', 'value_stream_key'),
        ('system', 'system_key', 'team', 'team_key'),
    ] %}
    select
        population,
        author_kind,
        role,
        '{{ grain }}' as grain,
        {{ grain_key }} as grain_key,
        '{{ parent_grain }}' as parent_grain,
        {{ parent_key }} as parent_key,
        bucket,
        bucket_start,
        person_key,
        change_key

    from placed
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

people as (
    select
        population,
        author_kind,
        role,
        grain,
        grain_key,
        parent_grain,
        parent_key,
        bucket,
        bucket_start,
        person_key,
        count(distinct change_key) as event_count

    from grouped
    group by
        population, author_kind, role, grain, grain_key, parent_grain, parent_key, bucket,
        bucket_start, person_key
),

-- A change of two people is one event of the group.
events as (
    select
        population,
        author_kind,
        role,
        grain,
        grain_key,
        parent_key,
        bucket,
        bucket_start,
        count(distinct change_key) as group_event_count

    from grouped
    group by
        population, author_kind, role, grain, grain_key, parent_key, bucket, bucket_start
),

populations as (
    select distinct population from events
),

-- Where nobody is on one side of a share or mean, that could be computed from the siblings: it is a
-- part of nobody, and suppressed like one of few.
other_sides as (
    select
        populations.population as own_population,
        opposite.population

    from populations
    inner join populations as opposite
        on
            populations.population || 'out' = opposite.population
            or populations.population = opposite.population || 'out'
),

empty_sides as (
    select distinct
        other_sides.population,
        people.author_kind,
        people.role,
        people.grain,
        people.grain_key,
        people.parent_grain,
        people.parent_key,
        people.bucket,
        people.bucket_start

    from people
    inner join other_sides on people.population = other_sides.own_population
    left join events
        on
            other_sides.population = events.population
            and people.author_kind = events.author_kind
            and people.role = events.role
            and people.grain = events.grain
            and people.grain_key = events.grain_key
            and people.parent_key = events.parent_key
            and people.bucket = events.bucket
            and people.bucket_start = events.bucket_start
    where events.population is null
),

final as (
    select
        *,
        cast(null as {{ dbt.type_string() }}) as person_key,
        0 as event_count,
        0 as group_event_count

    from empty_sides
    union all
    select
        people.*,
        events.group_event_count

    from people
    inner join events
        on
            people.population = events.population
            and people.author_kind = events.author_kind
            and people.role = events.role
            and people.grain = events.grain
            and people.grain_key = events.grain_key
            and people.parent_key = events.parent_key
            and people.bucket = events.bucket
            and people.bucket_start = events.bucket_start
)

select * from final
