with lives as (
    select * from {{ ref('int_change_lives') }}
),

item_lives as (
    select * from {{ ref('int_work_item_lives') }}
),

final as (
    select
        change_key,
        author_kind,
        author_key,
        system_key,
        team_key,
        value_stream_key

    from lives
    union all
    -- An item is its changes': it has no author of its own.
    select
        item_key as change_key,
        author_kind,
        cast(null as {{ dbt.type_string() }}) as author_key,
        system_key,
        team_key,
        value_stream_key

    from item_lives
)

select * from final
