{{ config(group='vault') }}
-- Nothing is lost on the way in: of each load every row read is told, and what a source is said to
-- have inserted and not withdrawn is what its table holds, before one source goes before another.
with load_counts as (
    select * from {{ ref('stg_door__load_counts') }}
),

staged as (
    {%- for source_name, entity in landed_tables() %}
    select
        '{{ source_name }}' as source,
        '{{ entity }}' as entity,
        count(*) as row_count

    from {{ source(source_name, entity) }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

inserted as (
    select
        source,
        entity,
        sum(rows_inserted) - sum(rows_removed) as row_count

    from load_counts
    group by source, entity
)

select
    staged.source,
    staged.entity,
    staged.row_count as staged_count,
    coalesce(inserted.row_count, 0) as inserted_count

from staged
left join inserted
    on
        staged.source = inserted.source
        and staged.entity = inserted.entity
where staged.row_count != coalesce(inserted.row_count, 0)
union all
select
    source,
    entity,
    rows_read as staged_count,
    rows_inserted + rows_updated + rows_unchanged + rows_superseded + rows_quarantined
        as inserted_count

from load_counts
where
    rows_read
    != rows_inserted + rows_updated + rows_unchanged + rows_superseded + rows_quarantined
