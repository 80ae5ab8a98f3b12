{#- Each round doubles the length of the chains that are followed: 64 renames of one file. -#}
{%- set rounds = 6 -%}
with touches as (
    select * from {{ ref('int_file_touches') }}
),

chains_0 as (
    select
        repository,
        path,
        previous_path as older_path,
        min(touched_at) as known_from

    from touches
    where
        change_type = 'renamed'
        and previous_path is not null
        and previous_path != path
    group by repository, path, previous_path
),

{% for round in range(1, rounds + 1) %}
longer_{{ round }} as (
    select
        repository,
        path,
        older_path,
        known_from

    from chains_{{ round - 1 }}
    union all
    select
        newer.repository,
        newer.path,
        older.older_path,
        greatest(newer.known_from, older.known_from) as known_from

    from chains_{{ round - 1 }} as newer
    inner join chains_{{ round - 1 }} as older
        on
            newer.repository = older.repository
            and newer.older_path = older.path
            -- Renamed there and back, a file is none of its own ancestors.
            and newer.path != older.older_path
),

chains_{{ round }} as (
    select
        repository,
        path,
        older_path,
        min(known_from) as known_from

    from longer_{{ round }}
    group by repository, path, older_path
),

{% endfor %}
final as (
    select
        repository,
        path,
        older_path,
        known_from

    from chains_{{ rounds }}
)

select * from final
