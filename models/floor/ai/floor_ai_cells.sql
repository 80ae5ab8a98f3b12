{%- set least_seats = 20 -%}
with usage as (
    select * from {{ ref('int_ai_use') }}
),

team_seats as (
    select * from {{ ref('int_ai_seats') }}
),

settings as (
    select * from {{ ref('int_settings') }}
),

-- Whoever moves between teams is of the last one.
placed as (
    select
        *,
        row_number() over (
            partition by quarter_start, person_key order by week_start desc, team_key asc
        ) as place

    from usage
),

people as (
    select
        quarter_start,
        person_key,
        max(case when place = 1 then team_key end) as team_key,
        count(distinct week_start) as used_weeks

    from placed
    group by quarter_start, person_key
),

team_people as (
    select
        quarter_start,
        team_key,
        count(*) as user_count,
        sum(used_weeks) as user_weeks,
        max(used_weeks) as most_weeks

    from people
    group by quarter_start, team_key
),

-- A seat that somebody used and left is none that nobody uses.
team_seated as (
    select
        quarter_start,
        team_key,
        count(distinct person_key) as seated_count

    from usage
    group by quarter_start, team_key
),

licensed as (
    select
        quarter_start,
        team_key,
        value_stream_key,
        max(seats) as seat_count,
        sum(seats) as seat_weeks,
        sum(untold_seats) as untold_seat_weeks

    from team_seats
    group by quarter_start, team_key, value_stream_key
),

parts as (
    select
        licensed.*,
        coalesce(team_seated.seated_count, 0) as seated_count,
        coalesce(team_people.user_count, 0) as user_count,
        coalesce(team_people.user_weeks, 0) as user_weeks,
        coalesce(team_people.most_weeks, 0) as most_weeks

    from licensed
    left join team_people
        on
            licensed.quarter_start = team_people.quarter_start
            and licensed.team_key = team_people.team_key
    left join team_seated
        on
            licensed.quarter_start = team_seated.quarter_start
            and licensed.team_key = team_seated.team_key
),

grouped as (
    {%- for grain, grain_key, parent_key in [
        ('team', 'team_key', 'value_stream_key'),
        ('value_stream', 'value_stream_key', "'all'"),
        ('portfolio', "'all'", "'none'"),
    ] %}
    select
        quarter_start,
        '{{ grain }}' as grain,
        {{ grain_key }} as grain_key,
        {{ parent_key }} as parent_key,
        seat_count,
        seat_weeks,
        untold_seat_weeks,
        seated_count,
        user_count,
        user_weeks,
        most_weeks

    from parts
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

-- Weeks in which any team of the group had a seat.
week_seats as (
    {{ at_each_grain('team_seats', columns=[
        'quarter_start', 'week_start', 'seats',
    ], grains=('team', 'value_stream', 'portfolio')) }}
),

week_counts as (
    select
        quarter_start,
        grain,
        grain_key,
        count(distinct week_start) as week_count

    from week_seats
    where seats > 0
    group by quarter_start, grain, grain_key
),

counts as (
    select
        quarter_start,
        grain,
        grain_key,
        parent_key,
        sum(seat_count) as seat_count,
        sum(seat_weeks) as seat_weeks,
        sum(untold_seat_weeks) as untold_seat_weeks,
        sum(user_count) as user_count,
        sum(user_weeks) as user_weeks,
        max(most_weeks) as most_weeks,
        sum(seat_count) - sum(seated_count) as unused_count

    from grouped
    group by quarter_start, grain, grain_key, parent_key
    having sum(seat_count) > 0
),

-- Primary: enough who use a seat, and enough seats that nobody uses, in the quarter and on average
-- in its weeks; and nobody with more than half of the weeks.
enough as (
    select
        counts.*,
        case
            when
                -- A half of fewer seats holds fewer counts than k that may be.
                counts.seat_count < {{ least_seats }}
                or counts.user_count < {{ minimum_people() }}
                or counts.unused_count < {{ minimum_people() }}
                or counts.seat_weeks - counts.user_weeks
                < {{ minimum_people() }} * week_counts.week_count
                or counts.most_weeks * 2 > counts.user_weeks
                then 0
            else 1
        end as is_enough

    from counts
    inner join week_counts
        on
            counts.quarter_start = week_counts.quarter_start
            and counts.grain = week_counts.grain
            and counts.grain_key = week_counts.grain_key
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
-- and enough people of either kind.
{{ child }}_ordered as (
    select
        *,
        row_number() over (
            partition by quarter_start, parent_key order by is_open, user_count, grain_key
        ) as place,
        min(is_open) over (partition by quarter_start, parent_key) as all_open

    from {{ child }}_judged
),

{{ child }}_before as (
    select
        *,
        sum(user_count) over (
            partition by quarter_start, parent_key order by place
            rows between unbounded preceding and 1 preceding
        ) as users_before,
        sum(unused_count) over (
            partition by quarter_start, parent_key order by place
            rows between unbounded preceding and 1 preceding
        ) as unused_before

    from {{ child }}_ordered
),

{{ child }}_hidden as (
    select
        quarter_start,
        grain_key,
        parent_key,
        case
            when is_open = 0 then 0
            when all_open = 1 then 1
            when place <= 2 then 0
            when least(users_before, unused_before) < {{ minimum_people() }} then 0
            else 1
        end as is_open

    from {{ child }}_before
),

-- An only child that is hidden is its parent under another name: the parent goes too.
{{ child }}_only as (
    select
        quarter_start,
        parent_key

    from {{ child }}_hidden
    group by quarter_start, parent_key
    having
        count(*) = 1
        and max(is_open) = 0
),

{{ parent }}_judged as (
    select
        enough.*,
        case when only_child.parent_key is null then enough.is_enough else 0 end as is_open

    from enough
    left join {{ child }}_only as only_child
        on
            enough.quarter_start = only_child.quarter_start
            and enough.grain_key = only_child.parent_key
    where enough.grain = '{{ parent }}'
),

{% endfor %}
-- Hiding a group hides what lies below it.
streams as (
    select
        child.quarter_start,
        child.grain_key,
        least(child.is_open, parent.is_open) as is_open

    from value_stream_hidden as child
    inner join portfolio_judged as parent on child.quarter_start = parent.quarter_start
),

open_groups as (
    select
        quarter_start,
        'portfolio' as grain,
        grain_key,
        is_open

    from portfolio_judged
    union all
    select
        quarter_start,
        'value_stream' as grain,
        grain_key,
        is_open

    from streams
    union all
    select
        child.quarter_start,
        'team' as grain,
        child.grain_key,
        least(child.is_open, parent.is_open) as is_open

    from team_hidden as child
    inner join streams as parent
        on
            child.quarter_start = parent.quarter_start
            and child.parent_key = parent.grain_key
),

final as (
    select
        -- keys
        counts.quarter_start,
        counts.grain,
        counts.grain_key,

        -- measures
        cast(counts.seat_count as bigint) as seat_count,
        cast(counts.seat_weeks as bigint) as seat_weeks,
        cast(counts.untold_seat_weeks as bigint) as untold_seat_weeks,
        cast(counts.user_count as bigint) as user_count,
        cast(counts.user_weeks as bigint) as user_weeks,

        -- what may be told
        open_groups.is_open = 1 as is_open

    from counts
    inner join open_groups
        on
            counts.quarter_start = open_groups.quarter_start
            and counts.grain = open_groups.grain
            and counts.grain_key = open_groups.grain_key
)

select * from final
