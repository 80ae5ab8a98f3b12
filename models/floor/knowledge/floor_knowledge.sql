{#- A constant of the floor: of fewer systems no share is told. -#}
{%- set minimum_systems = 5 -%}
with spine as (
    select * from {{ ref('floor_spine') }}
    where class = 'K'
),

knowledge as (
    select * from {{ ref('floor_bus_factors') }}
),

system_owners as (
    select * from {{ ref('int_system_owners') }}
),

quarters as (
    select * from {{ ref('int_buckets') }}
    where bucket = 'quarter'
),

subjects as (
    select * from {{ ref('floor_subjects') }}
    where
        population = 'merged'
        and author_kind = 'human'
        and role = 'author'
        and grain = 'team'
        and bucket = 'quarter'
        and person_key is not null
),

settings as (
    select * from {{ ref('int_settings') }}
),

team_people as (
    select
        grain_key as team_key,
        bucket_start as quarter_start,
        count(distinct person_key) as people_count

    from subjects
    group by grain_key, bucket_start
),

-- A system belongs to who owned it on the quarter's last day.
systems as (
    select
        knowledge.quarter_start,
        knowledge.system_key,
        knowledge.bus_factor,
        knowledge.file_count,
        system_owners.team_key,
        system_owners.value_stream_key,
        case when team_people.people_count >= {{ minimum_people() }} then 1 else 0 end as is_open,
        case when {{ is_fragile('knowledge.bus_factor') }} then 1 else 0 end as is_fragile

    from knowledge
    inner join quarters on knowledge.quarter_start = quarters.bucket_start
    inner join system_owners
        on
            knowledge.system_key = system_owners.system_key
            and quarters.bucket_end > system_owners.valid_from
            and quarters.bucket_end <= system_owners.valid_to
    left join team_people
        on
            system_owners.team_key = team_people.team_key
            and knowledge.quarter_start = team_people.quarter_start
),

hidden_people as (
    select
        systems.quarter_start,
        systems.value_stream_key,
        count(distinct subjects.person_key) as people_count

    from systems
    inner join subjects
        on
            systems.team_key = subjects.grain_key
            and systems.quarter_start = subjects.bucket_start
    where systems.is_open = 0
    group by systems.quarter_start, systems.value_stream_key
),

streams as (
    select
        quarter_start,
        value_stream_key,
        count(*) as system_count,
        sum(is_fragile) as fragile_count,
        sum(1 - is_open) as hidden_count,
        sum((1 - is_open) * is_fragile) as hidden_fragile_count

    from systems
    group by quarter_start, value_stream_key
),

-- What is not told by itself must not be what is left of its value stream: two systems or more of
-- enough people, and not all of one kind.
told_streams as (
    select
        streams.*,
        case
            when streams.system_count < {{ minimum_systems }} then 0
            when streams.hidden_count = 0 then 1
            when
                streams.hidden_count >= 2
                and streams.hidden_fragile_count > 0
                and streams.hidden_fragile_count < streams.hidden_count
                and coalesce(hidden_people.people_count, 0) >= {{ minimum_people() }}
                then 1
            else 0
        end as is_open

    from streams
    left join hidden_people
        on
            streams.quarter_start = hidden_people.quarter_start
            and streams.value_stream_key = hidden_people.value_stream_key
),

-- As the integer, or as the band that holds it: fragile (0 to 2), or 3 and more.
told_systems as (
    select
        systems.*,
        settings.is_bus_factor_banded,
        case when settings.is_bus_factor_banded = 0 then systems.bus_factor end as value,
        case
            when settings.is_bus_factor_banded = 0 then systems.bus_factor
            when systems.is_fragile = 1 then 0
            else {{ greatest_fragile() }} + 1
        end as lower_bound,
        case
            when settings.is_bus_factor_banded = 0 then systems.bus_factor
            when systems.is_fragile = 1 then {{ greatest_fragile() }}
        end as upper_bound

    from systems
    cross join settings
),

observed as (
    select
        'bus_factor' as metric_key,
        'system' as grain,
        system_key as grain_key,
        quarter_start as bucket_start,
        cast(value as numeric(18, 6)) as value,
        cast(lower_bound as numeric(18, 6)) as lower_bound,
        cast(upper_bound as numeric(18, 6)) as upper_bound,
        cast(null as numeric(18, 6)) as numerator,
        cast(null as numeric(18, 6)) as denominator,
        file_count as sample_size,
        case when is_bus_factor_banded = 1 then 'band' else 'census' end as method,
        is_open

    from told_systems
    union all
    select
        'fragile_system_share' as metric_key,
        'value_stream' as grain,
        value_stream_key as grain_key,
        quarter_start as bucket_start,
        cast(fragile_count * 1.0 / system_count as numeric(18, 6)) as value,
        cast(fragile_count * 1.0 / system_count as numeric(18, 6)) as lower_bound,
        cast(fragile_count * 1.0 / system_count as numeric(18, 6)) as upper_bound,
        cast(fragile_count as numeric(18, 6)) as numerator,
        cast(system_count as numeric(18, 6)) as denominator,
        system_count as sample_size,
        'census' as method,
        is_open

    from told_streams
),

-- All of a census: the range is the value.
judged as (
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
        observed.value,
        observed.lower_bound,
        observed.upper_bound,
        observed.numerator,
        observed.denominator,
        observed.sample_size,
        observed.method,
        spine.precision_step,
        case
            when spine.measurability != 'ok' then spine.measurability
            when observed.is_open = 1 then 'ok'
            else 'withheld'
        end as status

    from spine
    left join observed
        on
            spine.metric_key = observed.metric_key
            and spine.grain = observed.grain
            and spine.grain_key = observed.grain_key
            and spine.bucket_start = observed.bucket_start
),

final as (
    {{ told_observation('judged') }}
)

select * from final
