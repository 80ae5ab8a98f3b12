with file_authors as (
    select * from {{ ref('int_file_authors') }}
),

authors as (
    select
        quarter_start,
        system_key,
        person_key,
        count(*) as authored_files,
        min(first_touched_at) as first_touched_at,
        min(path) as first_path,
        max(path) as last_path

    from file_authors
    where is_author
    group by quarter_start, system_key, person_key
),

-- The one with most files leaves first. Who has left changes nobody's files: the order is fixed.
leaving as (
    select
        quarter_start,
        system_key,
        person_key,
        row_number() over (
            partition by quarter_start, system_key
            order by authored_files desc, first_touched_at asc, first_path asc, last_path asc
        ) as place

    from authors
),

-- A file is orphaned when the last of its authors leaves; one that nobody knows, from the start.
orphaned as (
    select
        file_authors.quarter_start,
        file_authors.system_key,
        file_authors.repository,
        file_authors.path,
        coalesce(max(leaving.place), 0) as last_place

    from file_authors
    left join leaving
        on
            file_authors.quarter_start = leaving.quarter_start
            and file_authors.system_key = leaving.system_key
            and file_authors.person_key = leaving.person_key
            and file_authors.is_author
    group by
        file_authors.quarter_start, file_authors.system_key, file_authors.repository,
        file_authors.path
),

by_place as (
    select
        quarter_start,
        system_key,
        last_place,
        count(*) as file_count

    from orphaned
    group by quarter_start, system_key, last_place
),

running as (
    select
        quarter_start,
        system_key,
        last_place,
        sum(file_count) over (
            partition by quarter_start, system_key
            order by last_place
            rows between unbounded preceding and current row
        ) as orphaned_count,
        sum(file_count) over (partition by quarter_start, system_key) as file_count

    from by_place
),

-- While half of the files have an author, one more leaves.
final as (
    select
        -- keys
        quarter_start,
        system_key,

        -- measures
        cast(min(case when orphaned_count * 2 > file_count then last_place end) as integer)
            as bus_factor,
        cast(max(file_count) as bigint) as file_count

    from running
    group by quarter_start, system_key
)

select * from final
