{{ config(group='vault') }}
-- What is told of a group less what is told of its parts rests on nobody, or on enough people of
-- two parts or more; and nothing is told below what is hidden.
with cells as (
    select * from {{ ref('floor_survey_cells') }}
),

scores as (
    select * from {{ ref('floor_survey_scores') }}
),

teams as (
    select * from {{ ref('int_survey_teams') }}
),

settings as (
    select * from {{ ref('int_settings') }}
),

parents as (
    select distinct
        quarter_start,
        'team' as grain,
        team_key as grain_key,
        'value_stream' as parent_grain,
        value_stream_key as parent_key

    from scores
    union
    select distinct
        quarter_start,
        'team' as grain,
        team_key as grain_key,
        'value_stream' as parent_grain,
        value_stream_key as parent_key

    from teams
    union
    select distinct
        quarter_start,
        'value_stream' as grain,
        value_stream_key as grain_key,
        'portfolio' as parent_grain,
        'all' as parent_key

    from scores
    union
    select distinct
        quarter_start,
        'value_stream' as grain,
        value_stream_key as grain_key,
        'portfolio' as parent_grain,
        'all' as parent_key

    from teams
),

hidden as (
    select
        above.quarter_start,
        above.driver,
        above.kind,
        above.grain,
        above.grain_key,
        above.is_open as is_told,
        sum(case when cells.is_open then 1 else 0 end) as told_count,
        sum(case when cells.is_open then 0 else 1 end) as hidden_count,
        sum(case when cells.is_open then 0 else cells.people_count end) as people_count,
        sum(case when cells.is_open then 0 else cells.inside_count end) as inside_count,
        sum(case when cells.is_open then 0 else cells.outside_count end) as outside_count

    from cells
    inner join parents
        on
            cells.quarter_start = parents.quarter_start
            and cells.grain = parents.grain
            and cells.grain_key = parents.grain_key
    inner join cells as above
        on
            cells.quarter_start = above.quarter_start
            and cells.driver = above.driver
            and cells.kind = above.kind
            and parents.parent_grain = above.grain
            and parents.parent_key = above.grain_key
    group by
        above.quarter_start, above.driver, above.kind, above.grain, above.grain_key, above.is_open
)

select
    quarter_start,
    driver,
    kind,
    grain,
    grain_key

from hidden
where
    (not is_told and told_count > 0)
    or (
        is_told
        and hidden_count > 0
        and (
            hidden_count < 2
            or {{ tells_of_few('people_count', 'inside_count', 'outside_count') }}
        )
    )
