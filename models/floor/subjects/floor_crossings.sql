-- A group's larger bucket, set against the weeks (or periods) of its parent, tells a sum in which a
-- reader chose, for each week, the group's side or that of the rest. Whoever is on both sides of a
-- week is in every such sum, and so is whoever is on a side whose other side holds enough people.
-- Where those are enough, nothing small can be computed; the other crossings stand here.
with subjects as (
    select * from {{ ref('floor_subjects') }}
    -- Open work does not add up over time.
    where population != 'in_progress'
),

bucket_parents as (
    select * from {{ ref('int_bucket_parents') }}
),

settings as (
    select * from {{ ref('int_settings') }}
),

-- Each week and period, with every larger bucket around it.
parts as (
    select
        bucket as part_bucket,
        bucket_start as part_start,
        parent_bucket as bucket,
        parent_bucket_start as bucket_start

    from bucket_parents
    where parent_bucket != 'none'
    union all
    select
        weeks.bucket as part_bucket,
        weeks.bucket_start as part_start,
        periods.parent_bucket as bucket,
        periods.parent_bucket_start as bucket_start

    from bucket_parents as weeks
    inner join bucket_parents as periods
        on
            weeks.parent_bucket = periods.bucket
            and weeks.parent_bucket_start = periods.bucket_start
    where periods.parent_bucket != 'none'
),

child_cells as (
    select distinct
        population,
        author_kind,
        role,
        grain,
        grain_key,
        parent_grain,
        parent_key,
        bucket as part_bucket,
        bucket_start as part_start

    from subjects
    where
        parent_grain != 'none'
        and bucket != 'quarter'
),

-- Everybody in the parent, by the side on which they did something.
sides as (
    select
        child_cells.*,
        parent.person_key,
        case when child.person_key is not null then 1 else 0 end as is_inside,
        case when parent.event_count > coalesce(child.event_count, 0) then 1 else 0 end
            as is_outside

    from child_cells
    inner join subjects as parent
        on
            child_cells.population = parent.population
            and child_cells.author_kind = parent.author_kind
            and child_cells.role = parent.role
            and child_cells.parent_grain = parent.grain
            and child_cells.parent_key = parent.grain_key
            and child_cells.part_bucket = parent.bucket
            and child_cells.part_start = parent.bucket_start
    left join subjects as child
        on
            child_cells.population = child.population
            and child_cells.author_kind = child.author_kind
            and child_cells.role = child.role
            and child_cells.grain = child.grain
            and child_cells.grain_key = child.grain_key
            and child_cells.parent_key = child.parent_key
            and child_cells.part_bucket = child.bucket
            and child_cells.part_start = child.bucket_start
            and parent.person_key = child.person_key
    where parent.person_key is not null
),

sized as (
    select
        *,
        sum(is_inside) over (
            partition by
                population, author_kind, role, grain, grain_key, parent_key, part_bucket, part_start
        ) as inside_count,
        sum(is_outside) over (
            partition by
                population, author_kind, role, grain, grain_key, parent_key, part_bucket, part_start
        ) as outside_count

    from sides
),

certain as (
    select
        sized.population,
        sized.author_kind,
        sized.role,
        sized.grain,
        sized.grain_key,
        sized.parent_grain,
        sized.parent_key,
        sized.part_bucket,
        parts.bucket,
        parts.bucket_start,
        count(
            distinct case
                when sized.is_inside = 1 and sized.is_outside = 1 then sized.person_key
                when
                    sized.is_inside = 1 and sized.outside_count >= {{ minimum_people() }}
                    then sized.person_key
                when
                    sized.is_outside = 1 and sized.inside_count >= {{ minimum_people() }}
                    then sized.person_key
            end
        ) as certain_people_count

    from sized
    inner join parts
        on
            sized.part_bucket = parts.part_bucket
            and sized.part_start = parts.part_start
    group by
        sized.population, sized.author_kind, sized.role, sized.grain, sized.grain_key,
        sized.parent_grain, sized.parent_key, sized.part_bucket, parts.bucket, parts.bucket_start
),

final as (
    select
        certain.population,
        certain.author_kind,
        certain.role,
        certain.grain,
        certain.grain_key,
        certain.parent_grain,
        certain.parent_key,
        certain.bucket,
        certain.bucket_start,
        certain.part_bucket,
        parts.part_start,
        certain.certain_people_count

    from certain
    inner join parts
        on
            certain.part_bucket = parts.part_bucket
            and certain.bucket = parts.bucket
            and certain.bucket_start = parts.bucket_start
    where certain.certain_people_count < {{ minimum_people() }}
)

select * from final
