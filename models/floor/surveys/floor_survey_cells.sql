with scores as (
    select * from {{ ref('floor_survey_scores') }}
),

survey_teams as (
    select * from {{ ref('int_survey_teams') }}
),

settings as (
    select * from {{ ref('int_settings') }}
),

-- Whoever answered anything, once; and who was asked, by team.
answered as (
    select
        quarter_start,
        team_key,
        value_stream_key,
        count(distinct person_key) as people_count,
        0 as invited_count

    from scores
    group by quarter_start, team_key, value_stream_key
    union all
    select
        quarter_start,
        team_key,
        value_stream_key,
        0 as people_count,
        invited_count

    from survey_teams
),

parts as (
    select
        quarter_start,
        driver,
        case when kind = 'hours' then 'hours' else 'mean' end as kind,
        team_key,
        value_stream_key,
        count(*) as people_count,
        count(*) as inside_count,
        0 as outside_count

    from scores
    group by quarter_start, driver, kind, team_key, value_stream_key
    union all
    select
        quarter_start,
        driver,
        'share' as kind,
        team_key,
        value_stream_key,
        count(*) as people_count,
        sum(case when amount >= 4 then 1 else 0 end) as inside_count,
        sum(case when amount < 4 then 1 else 0 end) as outside_count

    from scores
    where kind = 'score'
    group by quarter_start, driver, team_key, value_stream_key
    union all
    select
        quarter_start,
        'invited' as driver,
        'rate' as kind,
        team_key,
        value_stream_key,
        sum(people_count) as people_count,
        sum(people_count) as inside_count,
        sum(invited_count) - sum(people_count) as outside_count

    from answered
    group by quarter_start, team_key, value_stream_key
),

grouped as (
    {%- for grain, grain_key, parent_key in [
        ('team', 'team_key', 'value_stream_key'),
        ('value_stream', 'value_stream_key', "'all'"),
        ('portfolio', "'all'", "'none'"),
    ] %}
    select
        quarter_start,
        driver,
        kind,
        '{{ grain }}' as grain,
        {{ grain_key }} as grain_key,
        {{ parent_key }} as parent_key,
        people_count,
        inside_count,
        outside_count

    from parts
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

counts as (
    select
        quarter_start,
        driver,
        kind,
        grain,
        grain_key,
        parent_key,
        sum(people_count) as people_count,
        sum(inside_count) as inside_count,
        sum(outside_count) as outside_count

    from grouped
    group by quarter_start, driver, kind, grain, grain_key, parent_key
),

-- Primary: enough people. Of whom nobody knows the team is nobody's group.
enough as (
    select
        *,
        case
            when grain_key = 'unassigned' then 0
            when {{ tells_of_few('people_count', 'inside_count', 'outside_count') }} then 0
            else 1
        end as is_enough

    from counts
),

team_judged as (
    select
        *,
        is_enough as is_open

    from enough
    where grain = 'team'
),

{% for child, parent in [('team', 'value_stream'), ('value_stream', 'portfolio')] %}
-- Complementary: siblings, hidden first, then the smallest, until what is hidden holds two groups
-- and enough people.
{{ child }}_ordered as (
    select
        *,
        row_number() over (
            partition by quarter_start, driver, kind, parent_key
            order by is_open, people_count, grain_key
        ) as place,
        min(is_open) over (partition by quarter_start, driver, kind, parent_key) as all_open

    from {{ child }}_judged
),

{{ child }}_before as (
    select
        *,
        sum(people_count) over (
            partition by quarter_start, driver, kind, parent_key
            order by place
            rows between unbounded preceding and 1 preceding
        ) as people_before,
        sum(inside_count) over (
            partition by quarter_start, driver, kind, parent_key
            order by place
            rows between unbounded preceding and 1 preceding
        ) as inside_before,
        sum(outside_count) over (
            partition by quarter_start, driver, kind, parent_key
            order by place
            rows between unbounded preceding and 1 preceding
        ) as outside_before

    from {{ child }}_ordered
),

{{ child }}_hidden as (
    select
        quarter_start,
        driver,
        kind,
        grain_key,
        parent_key,
        people_count,
        inside_count,
        outside_count,
        case
            when is_open = 0 then 0
            when all_open = 1 then 1
            when place <= 2 then 0
            when {{ tells_of_few('people_before', 'inside_before', 'outside_before') }} then 0
            else 1
        end as is_open

    from {{ child }}_before
),

-- An only child that is hidden is its parent under another name: the parent goes too.
{{ child }}_only as (
    select
        quarter_start,
        driver,
        kind,
        parent_key

    from {{ child }}_hidden
    group by quarter_start, driver, kind, parent_key
    having
        count(*) = 1
        and max(is_open) = 0
),

{{ parent }}_judged as (
    select
        enough.quarter_start,
        enough.driver,
        enough.kind,
        enough.grain_key,
        enough.parent_key,
        enough.people_count,
        enough.inside_count,
        enough.outside_count,
        case when only_child.parent_key is null then enough.is_enough else 0 end as is_open

    from enough
    left join {{ child }}_only as only_child
        on
            enough.quarter_start = only_child.quarter_start
            and enough.driver = only_child.driver
            and enough.kind = only_child.kind
            and enough.grain_key = only_child.parent_key
    where enough.grain = '{{ parent }}'
),

{% endfor %}
-- Hiding a group hides what lies below it.
streams as (
    select
        child.quarter_start,
        child.driver,
        child.kind,
        child.grain_key,
        child.people_count,
        child.inside_count,
        child.outside_count,
        least(child.is_open, parent.is_open) as is_open

    from value_stream_hidden as child
    inner join portfolio_judged as parent
        on
            child.quarter_start = parent.quarter_start
            and child.driver = parent.driver
            and child.kind = parent.kind
),

unioned as (
    select
        quarter_start,
        driver,
        kind,
        'portfolio' as grain,
        grain_key,
        people_count,
        inside_count,
        outside_count,
        is_open

    from portfolio_judged
    union all
    select
        quarter_start,
        driver,
        kind,
        'value_stream' as grain,
        grain_key,
        people_count,
        inside_count,
        outside_count,
        is_open

    from streams
    union all
    select
        child.quarter_start,
        child.driver,
        child.kind,
        'team' as grain,
        child.grain_key,
        child.people_count,
        child.inside_count,
        child.outside_count,
        least(child.is_open, parent.is_open) as is_open

    from team_hidden as child
    inner join streams as parent
        on
            child.quarter_start = parent.quarter_start
            and child.driver = parent.driver
            and child.kind = parent.kind
            and child.parent_key = parent.grain_key
),

final as (
    select
        quarter_start,
        driver,
        kind,
        grain,
        grain_key,
        cast(people_count as bigint) as people_count,
        cast(inside_count as bigint) as inside_count,
        cast(outside_count as bigint) as outside_count,
        is_open = 1 as is_open

    from unioned
)

select * from final
