with newest as (
    select max(bucket_start) as bucket_start
    from {{ ref('floor_observations') }}
    where bucket = 'quarter'
),

observations as (
    select observations.*
    from {{ ref('floor_observations') }} as observations
    inner join newest on observations.bucket_start = newest.bucket_start
    where
        observations.bucket = 'quarter'
        and observations.slice = 'all'
        and observations.status = 'ok'
),

stages as (
    select wait_intensity.*
    from {{ ref('wait_intensity') }} as wait_intensity
    inner join newest on wait_intensity.bucket_start = newest.bucket_start
    where
        wait_intensity.bucket = 'quarter'
        and wait_intensity.grain = 'value_stream'
        and wait_intensity.status = 'ok'
),

systems as (
    select system_knowledge.*
    from {{ ref('system_knowledge') }} as system_knowledge
    inner join newest on system_knowledge.bucket_start = newest.bucket_start
),

confidences as (
    select * from {{ ref('metric_confidence') }}
),

templates as (
    select * from {{ ref('finding_templates') }}
),

team_value_streams as (
    select * from {{ ref('team_value_streams') }}
),

labels as (
    select
        'team' as grain,
        team_key as grain_key,
        team_label as group_label

    from {{ ref('teams') }}
    union all
    select
        'value_stream' as grain,
        value_stream_key as grain_key,
        value_stream_label as group_label

    from {{ ref('value_streams') }}
    union all
    select
        'system' as grain,
        system_key as grain_key,
        system_label as group_label

    from {{ ref('systems') }}
),

binding_stages as (
    select
        'binding_stage' as finding,
        grain,
        grain_key,
        bucket,
        bucket_start,
        stage,
        wait_share as value,
        wait_share_lower as lower_bound,
        wait_share_upper as upper_bound,
        cast(null as numeric(18, 4)) as reference,
        cast(null as bigint) as item_count,
        cast(null as bigint) as total_count,
        as_of

    from stages
    where is_binding
),

readable as (
    select count(distinct grain_key) as total_count from stages
),

-- Where the data say two streams, the sentence says two.
streams_bound as (
    select
        'streams_bound' as finding,
        'portfolio' as grain,
        'all' as grain_key,
        binding_stages.bucket,
        binding_stages.bucket_start,
        binding_stages.stage,
        cast(null as numeric(18, 4)) as value,
        cast(null as numeric(18, 4)) as lower_bound,
        cast(null as numeric(18, 4)) as upper_bound,
        cast(null as numeric(18, 4)) as reference,
        count(*) as item_count,
        max(readable.total_count) as total_count,
        max(binding_stages.as_of) as as_of

    from binding_stages
    cross join readable
    group by binding_stages.bucket, binding_stages.bucket_start, binding_stages.stage
),

fragile_systems as (
    select
        'fragile_revenue_system' as finding,
        grain,
        grain_key,
        bucket,
        bucket_start,
        cast(null as {{ dbt.type_string() }}) as stage,
        cast(null as numeric(18, 4)) as value,
        cast(null as numeric(18, 4)) as lower_bound,
        cast(null as numeric(18, 4)) as upper_bound,
        cast(null as numeric(18, 4)) as reference,
        bus_factor_upper as item_count,
        cast(null as bigint) as total_count,
        as_of

    from systems
    where
        is_revenue_critical
        and is_fragile
),

-- Each team beside the stream that it is in when the quarter begins.
placed_teams as (
    select
        team_value_streams.team_key,
        team_value_streams.value_stream_key

    from team_value_streams
    cross join newest
    where
        newest.bucket_start
        >= coalesce(team_value_streams.valid_from, cast('1900-01-01' as date))
        and newest.bucket_start
        < coalesce(team_value_streams.valid_to, cast('9999-01-01' as date))
),

beside_streams as (
    select
        team_figures.grain,
        team_figures.grain_key,
        team_figures.bucket,
        team_figures.bucket_start,
        team_figures.metric_key,
        team_figures.value,
        team_figures.lower_bound,
        team_figures.upper_bound,
        stream_figures.value as reference,
        team_figures.as_of

    from observations as team_figures
    inner join placed_teams on team_figures.grain_key = placed_teams.team_key
    inner join observations as stream_figures
        on
            placed_teams.value_stream_key = stream_figures.grain_key
            and stream_figures.grain = 'value_stream'
            and team_figures.metric_key = stream_figures.metric_key
            and team_figures.statistic = stream_figures.statistic
            and team_figures.clock = stream_figures.clock
    where
        team_figures.grain = 'team'
        and team_figures.statistic in ('p50', 'share')
        and team_figures.clock in ('wall', 'none')
        and team_figures.metric_key in ('flow_time', 'change_fail_rate')
),

-- Only where both ranges leave what the stream has.
speed_without_stability as (
    select
        'speed_without_stability' as finding,
        failures.grain,
        failures.grain_key,
        failures.bucket,
        failures.bucket_start,
        cast(null as {{ dbt.type_string() }}) as stage,
        failures.value,
        failures.lower_bound,
        failures.upper_bound,
        failures.reference,
        cast(null as bigint) as item_count,
        cast(null as bigint) as total_count,
        failures.as_of

    from beside_streams as failures
    inner join beside_streams as speeds on failures.grain_key = speeds.grain_key
    where
        failures.metric_key = 'change_fail_rate'
        and failures.lower_bound > failures.reference
        and speeds.metric_key = 'flow_time'
        and speeds.upper_bound < speeds.reference
),

found as (
    select * from binding_stages
    union all
    select * from streams_bound
    union all
    select * from fragile_systems
    union all
    select * from speed_without_stability
),

-- A sentence is worth what its weakest figure is.
trusted as (
    select
        found.finding,
        found.grain,
        found.grain_key,
        found.stage,
        min(case confidences.confidence when 'low' then 1 when 'medium' then 2 else 3 end) as trust

    from found
    inner join templates on found.finding = templates.finding
    inner join confidences
        on
            templates.metric_key = confidences.metric_key
            and found.bucket = confidences.bucket
            and found.bucket_start = confidences.bucket_start
            and (
                (found.grain = confidences.grain and found.grain_key = confidences.grain_key)
                or (found.grain = 'portfolio' and confidences.grain = 'value_stream')
            )
            and (found.stage is null or found.stage = confidences.slice_value)
    group by found.finding, found.grain, found.grain_key, found.stage
),

final as (
    select
        -- grain
        found.finding,
        found.grain,
        found.grain_key,
        found.bucket,
        found.bucket_start,
        coalesce(found.stage, 'none') as stage,

        -- figures
        found.value,
        found.lower_bound,
        found.upper_bound,
        found.reference,
        found.item_count,
        found.total_count,
        case trusted.trust when 1 then 'low' when 3 then 'high' else 'medium' end as confidence,

        -- what they say; the group last, for braces in a label are text
        {%- set sentence = namespace(sql='templates.template') %}
        {%- for name, figure in [
            ('stage', 'upper(substring(found.stage, 1, 1)) || substring(found.stage, 2)'),
            ('value', in_percent('found.value')),
            ('lower', in_percent('found.lower_bound')),
            ('upper', in_percent('found.upper_bound')),
            ('reference', in_percent('found.reference')),
            ('count', 'cast(found.item_count as ' ~ dbt.type_string() ~ ')'),
            ('total', 'cast(found.total_count as ' ~ dbt.type_string() ~ ')'),
            ('group', 'labels.group_label'),
        ] %}
        {%- set sentence.sql %}
        replace({{ sentence.sql }}, '{{ "{" ~ name ~ "}" }}', coalesce({{ figure }}, ''))
        {%- endset %}
        {%- endfor %}
        {{ sentence.sql }} as sentence,
        found.as_of

    from found
    inner join templates on found.finding = templates.finding
    left join labels
        on
            found.grain = labels.grain
            and found.grain_key = labels.grain_key
    left join trusted
        on
            found.finding = trusted.finding
            and found.grain = trusted.grain
            and found.grain_key = trusted.grain_key
            and coalesce(found.stage, 'none') = coalesce(trusted.stage, 'none')
)

select * from final
