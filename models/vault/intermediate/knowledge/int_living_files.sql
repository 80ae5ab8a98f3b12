with commits as (
    select * from {{ ref('stg_canonical__commits') }}
),

commit_files as (
    select * from {{ ref('stg_canonical__commit_files') }}
),

dated as (
    select
        commit_files.repository,
        commit_files.path,
        commit_files.previous_path,
        commit_files.change_type,
        coalesce(commits.committed_at, commits.authored_at) as touched_at

    from commit_files
    inner join commits on commit_files.commit_key = commits.commit_key
),

-- What a branch does to a file that was deleted meanwhile does not bring it back.
turns as (
    select
        repository,
        path,
        touched_at,
        case
            when change_type in ('added', 'renamed', 'copied') then 1
            when change_type = 'deleted' then 0
        end as lives

    from dated
    union all
    select
        repository,
        previous_path as path,
        touched_at,
        0 as lives

    from dated
    where
        change_type = 'renamed'
        and previous_path != path
),

-- A file that is moved away and made anew at once lives on.
at_once as (
    select
        repository,
        path,
        touched_at,
        max(lives) as lives

    from turns
    where touched_at is not null
    group by repository, path, touched_at
),

numbered as (
    select
        *,
        row_number() over (partition by repository, path order by touched_at) as place

    from at_once
),

-- A history that begins in the middle tells of no beginning: there the first sight is one.
followed as (
    select
        repository,
        path,
        coalesce(lives, 1) as lives,
        touched_at as alive_from,
        lead(touched_at) over (partition by repository, path order by touched_at) as alive_to

    from numbered
    where
        lives is not null
        or place = 1
),

final as (
    select
        repository,
        path,
        alive_from,
        alive_to

    from followed
    where lives = 1
)

select * from final
