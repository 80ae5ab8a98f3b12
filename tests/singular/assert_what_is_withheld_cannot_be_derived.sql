{{ config(group='vault') }}
-- A further round of suppression would change nothing: what an open group hides below it holds at
-- least two groups and enough people, nothing is open below what is hidden, the weeks of a period
-- and the periods of a quarter are open for a group all or none, and only where the larger is. Open
-- work does not add up over time: at the same end it is open all or none.
with subjects as (
    select * from {{ ref('floor_subjects') }}
),

cells as (
    select * from {{ ref('floor_cells') }}
),

bucket_parents as (
    select * from {{ ref('int_bucket_parents') }}
),

settings as (
    select * from {{ ref('int_settings') }}
),

below as (
    select
        subjects.population,
        subjects.author_kind,
        subjects.role,
        subjects.bucket,
        subjects.bucket_start,
        subjects.parent_grain,
        subjects.parent_key,
        subjects.grain_key,
        subjects.person_key,
        child.is_open,
        coalesce(parent.is_open, false) as is_parent_open

    from subjects
    inner join cells as child
        on
            subjects.population = child.population
            and subjects.author_kind = child.author_kind
            and subjects.role = child.role
            and subjects.grain = child.grain
            and subjects.grain_key = child.grain_key
            and subjects.bucket = child.bucket
            and subjects.bucket_start = child.bucket_start
    left join cells as parent
        on
            subjects.population = parent.population
            and subjects.author_kind = parent.author_kind
            and subjects.role = parent.role
            and subjects.parent_grain = parent.grain
            and subjects.parent_key = parent.grain_key
            and subjects.bucket = parent.bucket
            and subjects.bucket_start = parent.bucket_start
    where subjects.parent_grain != 'none'
),

derivable as (
    select
        'derivable' as fault,
        parent_grain as grain,
        parent_key as grain_key,
        bucket,
        bucket_start

    from below
    where
        is_parent_open
        and not is_open
    group by
        population, author_kind, role, parent_grain, parent_key, bucket, bucket_start
    having
        count(distinct grain_key) < 2
        or count(distinct person_key) < {{ minimum_people() }}
),

open_below_hidden as (
    select distinct
        'open below what is hidden' as fault,
        parent_grain as grain,
        parent_key as grain_key,
        bucket,
        bucket_start

    from below
    where
        is_open
        and not is_parent_open
),

in_part as (
    select
        'open in part of the larger bucket' as fault,
        cells.grain,
        cells.grain_key,
        cells.bucket,
        min(cells.bucket_start) as bucket_start

    from cells
    inner join bucket_parents
        on
            cells.bucket = bucket_parents.bucket
            and cells.bucket_start = bucket_parents.bucket_start
    where
        cells.bucket != 'quarter'
        and cells.population != 'in_progress'
    group by
        cells.population, cells.author_kind, cells.role, cells.grain, cells.grain_key,
        cells.bucket, bucket_parents.parent_bucket_start
    having
        sum(case when cells.is_open then 1 else 0 end) > 0
        and sum(case when cells.is_open then 1 else 0 end) < max(bucket_parents.sibling_count)
),

part_of_hidden as (
    select
        'open in a larger bucket that is hidden' as fault,
        cells.grain,
        cells.grain_key,
        cells.bucket,
        cells.bucket_start

    from cells
    inner join bucket_parents
        on
            cells.bucket = bucket_parents.bucket
            and cells.bucket_start = bucket_parents.bucket_start
    inner join cells as larger
        on
            cells.population = larger.population
            and cells.author_kind = larger.author_kind
            and cells.role = larger.role
            and cells.grain = larger.grain
            and cells.grain_key = larger.grain_key
            and bucket_parents.parent_bucket = larger.bucket
            and bucket_parents.parent_bucket_start = larger.bucket_start
    where
        cells.population != 'in_progress'
        and cells.is_open
        and not larger.is_open
),

same_work as (
    select
        'open work hidden in one of two buckets with the same end' as fault,
        cells.grain,
        cells.grain_key,
        min(cells.bucket) as bucket,
        min(cells.bucket_start) as bucket_start

    from cells
    inner join bucket_parents
        on
            cells.bucket = bucket_parents.bucket
            and cells.bucket_start = bucket_parents.bucket_start
    where cells.population = 'in_progress'
    group by
        cells.author_kind, cells.role, cells.grain, cells.grain_key, bucket_parents.bucket_end
    having
        sum(case when cells.is_open then 1 else 0 end) > 0
        and sum(case when cells.is_open then 1 else 0 end) < count(*)
)

select * from derivable
union all
select * from open_below_hidden
union all
select * from in_part
union all
select * from part_of_hidden
union all
select * from same_work
