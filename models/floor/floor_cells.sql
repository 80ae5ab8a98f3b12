{#- Hiding one group may ask for hiding another: rounds until a test finds none left. -#}
{%- set rounds = 4 -%}
{%- set cell = 'population, author_kind, role, bucket, bucket_start' -%}
with subjects as (
    select * from {{ ref('floor_subjects') }}
),

bucket_parents as (
    select * from {{ ref('int_bucket_parents') }}
),

crossings as (
    select * from {{ ref('floor_crossings') }}
),

settings as (
    select * from {{ ref('int_settings') }}
),

ranked as (
    select
        *,
        row_number() over (
            partition by {{ cell }}, grain, grain_key, parent_grain, parent_key
            order by event_count desc
        ) as place

    from subjects
),

-- A group whose owner changed inside the bucket is a part of each: it has a row under either.
counted as (
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
        count(distinct person_key) as people_count,
        max(event_count) as largest_event_count,
        max(group_event_count)
        - sum(case when place <= 2 then event_count else 0 end) as others_event_count,
        max(group_event_count) as event_count

    from ranked
    group by
        population, author_kind, role, grain, grain_key, parent_grain, parent_key, bucket,
        bucket_start
),

parted as (
    select
        *,
        count(*) over (partition by {{ cell }}, grain, grain_key) as parent_count

    from counted
),

-- Primary: enough people in the role, none of them with more than half of the events, and beside
-- the two with most so many that neither of these knows the other's to a tenth.
round_0 as (
    select
        parted.*,
        bucket_parents.bucket_end,
        bucket_parents.parent_bucket,
        bucket_parents.parent_bucket_start,
        bucket_parents.sibling_count,
        case
            when parted.people_count < {{ minimum_people() }} then 0
            -- Five people can share one change.
            when parted.event_count < {{ minimum_people() }} then 0
            when parted.largest_event_count * 2 > parted.event_count then 0
            when parted.others_event_count * 10 < parted.largest_event_count then 0
            when parted.parent_count > 1 then 0
            -- Nobody is known to own it.
            when parted.grain_key = 'unassigned' then 0
            else 1
        end as is_open

    from parted
    inner join bucket_parents
        on
            parted.bucket = bucket_parents.bucket
            and parted.bucket_start = bucket_parents.bucket_start
),

{% for round in range(1, rounds + 1) %}
-- In time: the weeks of a period, and the periods of a quarter, all or none for a group. What is
-- in progress does not add up over time; at the same end its buckets hold the same, all or none.
joined_in_time_{{ round }} as (
    select
        {{ cell }},
        grain,
        grain_key,
        parent_grain,
        parent_key,
        people_count,
        event_count,
        bucket_end,
        parent_bucket,
        parent_bucket_start,
        sibling_count,
        case
            when population = 'in_progress'
                then
                    min(is_open) over (
                        partition by population, author_kind, role, grain, grain_key, bucket_end
                    )
            when
                bucket != 'quarter'
                and sum(is_open) over (
                    partition by
                        population, author_kind, role, grain, grain_key, bucket, parent_bucket_start
                ) < sibling_count
                then 0
            else is_open
        end as is_open

    from round_{{ round - 1 }}
),

larger_buckets_{{ round }} as (
    select
        {{ cell }},
        grain,
        grain_key,
        min(is_open) as is_open

    from joined_in_time_{{ round }}
    group by {{ cell }}, grain, grain_key
),

-- The parts of a bucket that is hidden would add up to it. One that is not closed hides nothing.
timed_{{ round }} as (
    select
        parts.population,
        parts.author_kind,
        parts.role,
        parts.bucket,
        parts.bucket_start,
        parts.grain,
        parts.grain_key,
        parts.parent_grain,
        parts.parent_key,
        parts.people_count,
        parts.event_count,
        parts.bucket_end,
        parts.parent_bucket,
        parts.parent_bucket_start,
        parts.sibling_count,
        case
            when parts.population = 'in_progress' then parts.is_open
            else least(parts.is_open, coalesce(larger.is_open, 1))
        end as is_open

    from joined_in_time_{{ round }} as parts
    left join larger_buckets_{{ round }} as larger
        on
            parts.population = larger.population
            and parts.author_kind = larger.author_kind
            and parts.role = larger.role
            and parts.grain = larger.grain
            and parts.grain_key = larger.grain_key
            and parts.parent_bucket = larger.bucket
            and parts.parent_bucket_start = larger.bucket_start
),

-- Siblings: hidden first, then the smallest. What is hidden must hold two groups, enough people and
-- enough events.
ordered_{{ round }} as (
    select
        *,
        row_number() over (
            partition by {{ cell }}, parent_grain, parent_key
            order by is_open, people_count, grain_key
        ) as place,
        min(is_open) over (partition by {{ cell }}, parent_grain, parent_key) as all_open

    from timed_{{ round }}
),

-- A person counts once, at the first sibling in that order.
first_places_{{ round }} as (
    select
        ordered.population,
        ordered.author_kind,
        ordered.role,
        ordered.bucket,
        ordered.bucket_start,
        ordered.parent_grain,
        ordered.parent_key,
        subjects.person_key,
        min(ordered.place) as place

    from ordered_{{ round }} as ordered
    inner join subjects
        on
            ordered.population = subjects.population
            and ordered.author_kind = subjects.author_kind
            and ordered.role = subjects.role
            and ordered.grain = subjects.grain
            and ordered.grain_key = subjects.grain_key
            and ordered.parent_key = subjects.parent_key
            and ordered.bucket = subjects.bucket
            and ordered.bucket_start = subjects.bucket_start
    where
        ordered.all_open = 0
        and subjects.person_key is not null
    group by
        ordered.population, ordered.author_kind, ordered.role, ordered.bucket,
        ordered.bucket_start, ordered.parent_grain, ordered.parent_key, subjects.person_key
),

new_people_{{ round }} as (
    select
        {{ cell }},
        parent_grain,
        parent_key,
        place,
        count(*) as new_people_count

    from first_places_{{ round }}
    group by {{ cell }}, parent_grain, parent_key, place
),

sibling_checked_{{ round }} as (
    select
        ordered.*,
        coalesce(
            sum(new_people.new_people_count) over (
                partition by
                    ordered.population, ordered.author_kind, ordered.role, ordered.bucket,
                    ordered.bucket_start, ordered.parent_grain, ordered.parent_key
                order by ordered.place
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as people_hidden_before,
        coalesce(
            sum(ordered.event_count) over (
                partition by
                    ordered.population, ordered.author_kind, ordered.role, ordered.bucket,
                    ordered.bucket_start, ordered.parent_grain, ordered.parent_key
                order by ordered.place
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as events_hidden_before

    from ordered_{{ round }} as ordered
    left join new_people_{{ round }} as new_people
        on
            ordered.population = new_people.population
            and ordered.author_kind = new_people.author_kind
            and ordered.role = new_people.role
            and ordered.bucket = new_people.bucket
            and ordered.bucket_start = new_people.bucket_start
            and ordered.parent_grain = new_people.parent_grain
            and ordered.parent_key = new_people.parent_key
            and ordered.place = new_people.place
),

sibling_hidden_{{ round }} as (
    select
        *,
        case
            when is_open = 0 then 0
            when
                all_open = 0
                and (
                    place <= 2
                    or people_hidden_before < {{ minimum_people() }}
                    -- Five people can share one change.
                    or events_hidden_before < {{ minimum_people() }}
                )
                then 0
            else 1
        end as is_open_after_siblings

    from sibling_checked_{{ round }}
),

-- An only child that is hidden is its parent under another name: the parent goes too.
only_children_{{ round }} as (
    select
        {{ cell }},
        parent_grain,
        parent_key

    from sibling_hidden_{{ round }}
    group by {{ cell }}, parent_grain, parent_key
    having
        count(*) = 1
        and max(is_open_after_siblings) = 0
),

groups_{{ round }} as (
    select
        {{ cell }},
        grain,
        grain_key,
        min(is_open_after_siblings) as is_open

    from sibling_hidden_{{ round }}
    group by {{ cell }}, grain, grain_key
),

-- Nor is a larger bucket told across the smaller ones of the parent, where that would tell of few.
crossed_{{ round }} as (
    select distinct
        crossings.population,
        crossings.author_kind,
        crossings.role,
        crossings.grain,
        crossings.grain_key,
        crossings.parent_key,
        crossings.bucket,
        crossings.bucket_start

    from crossings
    inner join sibling_hidden_{{ round }} as own
        on
            crossings.population = own.population
            and crossings.author_kind = own.author_kind
            and crossings.role = own.role
            and crossings.grain = own.grain
            and crossings.grain_key = own.grain_key
            and crossings.parent_key = own.parent_key
            and crossings.part_bucket = own.bucket
            and crossings.part_start = own.bucket_start
    inner join groups_{{ round }} as parent
        on
            crossings.population = parent.population
            and crossings.author_kind = parent.author_kind
            and crossings.role = parent.role
            and crossings.parent_grain = parent.grain
            and crossings.parent_key = parent.grain_key
            and crossings.part_bucket = parent.bucket
            and crossings.part_start = parent.bucket_start
    where
        own.is_open_after_siblings = 0
        and parent.is_open = 1
),

-- Hiding a group hides what lies below it, two steps down in a round.
above_{{ round }} as (
    select
        child.population,
        child.author_kind,
        child.role,
        child.bucket,
        child.bucket_start,
        child.grain,
        child.grain_key,
        min(
            case
                when child.is_open_after_siblings = 0 then 0
                when child.parent_grain != 'none' and coalesce(parent.is_open, 0) = 0 then 0
                else 1
            end
        ) as is_open

    from sibling_hidden_{{ round }} as child
    left join groups_{{ round }} as parent
        on
            child.population = parent.population
            and child.author_kind = parent.author_kind
            and child.role = parent.role
            and child.bucket = parent.bucket
            and child.bucket_start = parent.bucket_start
            and child.parent_grain = parent.grain
            and child.parent_key = parent.grain_key
    group by
        child.population, child.author_kind, child.role, child.bucket, child.bucket_start,
        child.grain, child.grain_key
),

round_{{ round }} as (
    select
        child.population,
        child.author_kind,
        child.role,
        child.bucket,
        child.bucket_start,
        child.grain,
        child.grain_key,
        child.parent_grain,
        child.parent_key,
        child.people_count,
        child.event_count,
        child.bucket_end,
        child.parent_bucket,
        child.parent_bucket_start,
        child.sibling_count,
        case
            when child.parent_grain != 'none' and coalesce(parent.is_open, 0) = 0 then 0
            when only_children.parent_key is not null then 0
            when crossed.grain_key is not null then 0
            else child.is_open_after_siblings
        end as is_open

    from sibling_hidden_{{ round }} as child
    left join above_{{ round }} as parent
        on
            child.population = parent.population
            and child.author_kind = parent.author_kind
            and child.role = parent.role
            and child.bucket = parent.bucket
            and child.bucket_start = parent.bucket_start
            and child.parent_grain = parent.grain
            and child.parent_key = parent.grain_key
    left join only_children_{{ round }} as only_children
        on
            child.population = only_children.population
            and child.author_kind = only_children.author_kind
            and child.role = only_children.role
            and child.bucket = only_children.bucket
            and child.bucket_start = only_children.bucket_start
            and child.grain = only_children.parent_grain
            and child.grain_key = only_children.parent_key
    left join crossed_{{ round }} as crossed
        on
            child.population = crossed.population
            and child.author_kind = crossed.author_kind
            and child.role = crossed.role
            and child.bucket = crossed.bucket
            and child.bucket_start = crossed.bucket_start
            and child.grain = crossed.grain
            and child.grain_key = crossed.grain_key
            and child.parent_key = crossed.parent_key
),

{% endfor %}
final as (
    select
        population,
        author_kind,
        role,
        grain,
        grain_key,
        bucket,
        bucket_start,
        min(is_open) = 1 as is_open

    from round_{{ rounds }}
    group by population, author_kind, role, grain, grain_key, bucket, bucket_start
)

select * from final
