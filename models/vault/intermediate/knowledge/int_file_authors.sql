{#- Degree of authorship: DOA = 3.293 + 1.098 FA + 0.164 DL - 0.321 ln(1 + AC). -#}
{%- set months = setting('knowledge_months') | int -%}
with system_files as (
    select * from {{ ref('int_system_files') }}
),

path_ancestors as (
    select * from {{ ref('int_path_ancestors') }}
),

touches as (
    select * from {{ ref('int_file_touches') }}
    where coalesce(change_type, 'modified') in ('added', 'modified', 'renamed')
),

-- A file's history is that of its path and of every path that it had before.
paths as (
    select
        quarter_start,
        quarter_end,
        system_key,
        repository,
        path,
        path as known_as

    from system_files
    union all
    select
        system_files.quarter_start,
        system_files.quarter_end,
        system_files.system_key,
        system_files.repository,
        system_files.path,
        path_ancestors.older_path as known_as

    from system_files
    inner join path_ancestors
        on
            system_files.repository = path_ancestors.repository
            and system_files.path = path_ancestors.path
            and system_files.quarter_end > path_ancestors.known_from
),

-- FA: created the file, under whatever name; DL: own further changes; AC: those of others.
shares as (
    select
        paths.quarter_start,
        paths.system_key,
        paths.repository,
        paths.path,
        touches.person_key,
        min(touches.touched_at) as first_touched_at,
        max(case when touches.change_type = 'added' then 1 else 0 end) as is_creator,
        sum(case when touches.change_type = 'added' then 0 else 1 end) as own_changes

    from paths
    inner join touches
        on
            paths.repository = touches.repository
            and paths.known_as = touches.path
            and paths.quarter_end > touches.touched_at
            {%- if months > 0 %}
            and {{ dbt.dateadd('month', -months, 'paths.quarter_end') }} <= touches.touched_at
            {%- endif %}
    group by
        paths.quarter_start, paths.system_key, paths.repository, paths.path, touches.person_key
),

counted as (
    select
        *,
        sum(own_changes) over (partition by quarter_start, repository, path) - own_changes
            as changes_of_others

    from shares
),

weighed as (
    select
        *,
        3.293 + 1.098 * is_creator + 0.164 * own_changes
        - 0.321 * ln(cast(1 + changes_of_others as {{ type_double() }})) as authorship

    from counted
),

compared as (
    select
        *,
        max(authorship) over (partition by quarter_start, repository, path) as most_authorship

    from weighed
),

final as (
    select
        -- keys
        quarter_start,
        system_key,
        repository,
        path,

        -- person data
        person_key,

        -- properties
        authorship > 0.75 * most_authorship
        and (authorship >= 3.293 or is_creator = 1) as is_author,

        -- timestamps
        first_touched_at

    from compared
)

select * from final
