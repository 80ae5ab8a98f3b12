{#- With fewer people behind a service, its figures are theirs. Constants of the floor. -#}
{%- set minimum = 3 -%}
{%- set trailing_days = 182 -%}
{%- set cell = 'quarter_start' -%}
with activity as (
    select distinct
        system_key,
        team_key,
        value_stream_key,
        person_key,
        cast({{ dbt.date_trunc('week', 'counted_at') }} as date) as week_start

    from {{ ref('int_activity') }}
    where
        population = 'merged'
        and author_kind = 'human'
        and role = 'author'
),

all_buckets as (
    select * from {{ ref('int_buckets') }}
),

buckets as (
    select
        parts.bucket,
        parts.bucket_start,
        parts.bucket_end,
        quarters.bucket_start as quarter_start,
        count(*) over (partition by quarters.bucket_start) as sibling_count

    from all_buckets as parts
    inner join all_buckets as quarters
        on
            parts.bucket_start >= quarters.bucket_start
            and parts.bucket_start < quarters.bucket_end
            and quarters.bucket = 'quarter'
    where parts.is_closed
),

-- Who contributed in the two quarters before the bucket's end.
recent as (
    select
        activity.*,
        buckets.bucket,
        buckets.bucket_start,
        buckets.quarter_start,
        buckets.sibling_count

    from buckets
    inner join activity
        on
            buckets.bucket_end > activity.week_start
            and cast({{ dbt.dateadd('day', -trailing_days, 'buckets.bucket_end') }} as date)
            <= activity.week_start
),

counted as (
    {%- for grain, grain_key, parent_grain, parent_key in [
        ('portfolio', "'all'", 'none', "'none'"),
        ('value_stream', 'value_stream_key', 'portfolio', "'all'"),
        ('team', 'team_key', 'value_stream', 'value_stream_key'),
        ('system', 'system_key', 'team', 'team_key'),
    ] %}
    select
        bucket,
        bucket_start,
        quarter_start,
        sibling_count,
        '{{ grain }}' as grain,
        {{ grain_key }} as grain_key,
        '{{ parent_grain }}' as parent_grain,
        {{ parent_key }} as parent_key,
        count(distinct person_key) as people_count

    from recent
    group by
        {% if grain != 'portfolio' %}{{ grain_key }}, {% endif -%}
        {% if parent_key.endswith('_key') %}{{ parent_key }}, {% endif -%}
        bucket, bucket_start, quarter_start, sibling_count
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

-- A quarter and all that lies in it, all or none: one hidden week would be the rest of its quarter.
lasting as (
    select
        {{ cell }},
        grain,
        grain_key,
        parent_grain,
        parent_key,
        case when count(*) < max(sibling_count) then 0 else min(people_count) end as people_count

    from counted
    group by {{ cell }}, grain, grain_key, parent_grain, parent_key
),

primary_round as (
    select
        *,
        case
            when people_count < {{ minimum }} or grain_key = 'unassigned' then 0
            else 1
        end as is_open

    from lasting
),

-- One hidden sibling would be its parent less the others: the smallest of these go with it, until
-- two groups are hidden and one of them has enough people: the same people may be in all of them.
ordered as (
    select
        *,
        row_number() over (
            partition by {{ cell }}, parent_grain, parent_key
            order by is_open, people_count, grain_key
        ) as place,
        min(is_open) over (partition by {{ cell }}, parent_grain, parent_key) as all_open,
        max(people_count) over (
            partition by {{ cell }}, parent_grain, parent_key
            order by is_open, people_count, grain_key
            rows between unbounded preceding and 1 preceding
        ) as most_hidden_before

    from primary_round
),

siblings as (
    select
        {{ cell }},
        grain,
        grain_key,
        parent_grain,
        parent_key,
        case
            when
                all_open = 0
                and (place <= 2 or most_hidden_before < {{ minimum }})
                then 0
            else is_open
        end as is_open

    from ordered
),

groups as (
    select
        {{ cell }},
        grain,
        grain_key,
        min(is_open) as is_open

    from siblings
    group by {{ cell }}, grain, grain_key
),

-- What lies below a hidden group is hidden.
decided as (
    select
        siblings.quarter_start,
        siblings.grain,
        siblings.grain_key,
        min(
            least(siblings.is_open, coalesce(parents.is_open, 1), coalesce(own_stream.is_open, 1))
        ) = 1 as is_open

    from siblings
    left join groups as parents
        on
            siblings.quarter_start = parents.quarter_start
            and siblings.parent_grain = parents.grain
            and siblings.parent_key = parents.grain_key
    left join siblings as own_team
        on
            siblings.parent_grain = 'team'
            and siblings.quarter_start = own_team.quarter_start
            and siblings.parent_grain = own_team.grain
            and siblings.parent_key = own_team.grain_key
    left join groups as own_stream
        on
            own_team.quarter_start = own_stream.quarter_start
            and own_team.parent_grain = own_stream.grain
            and own_team.parent_key = own_stream.grain_key
    group by siblings.quarter_start, siblings.grain, siblings.grain_key
),

final as (
    select
        buckets.bucket,
        buckets.bucket_start,
        decided.grain,
        decided.grain_key,
        decided.is_open

    from decided
    inner join buckets on decided.quarter_start = buckets.quarter_start
)

select * from final
