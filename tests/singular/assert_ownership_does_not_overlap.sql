{{ config(group='vault') }}
-- One path has one system, one system one team and one team one value stream at a time: names the
-- rows that disagree, for one change would count twice.
with rules as (
    select
        'system_paths' as seed,
        repository || ':' || coalesce(path_prefix, '') as thing,
        system_key as place,
        valid_from,
        valid_to

    from {{ ref('system_paths') }}
    union all
    select
        'system_owners' as seed,
        system_key as thing,
        team_key as place,
        valid_from,
        valid_to

    from {{ ref('system_owners') }}
    union all
    select
        'team_value_streams' as seed,
        team_key as thing,
        value_stream_key as place,
        valid_from,
        valid_to

    from {{ ref('team_value_streams') }}
),

numbered as (
    select
        seed,
        thing,
        place,
        coalesce(valid_from, cast('1900-01-01' as date)) as valid_from,
        coalesce(valid_to, cast('9999-01-01' as date)) as valid_to,
        row_number() over (
            partition by seed, thing order by valid_from, valid_to, place
        ) as row_place

    from rules
)

select
    former.seed,
    former.thing,
    former.place as one_place,
    former.valid_from as one_from,
    former.valid_to as one_to,
    latter.place as other_place,
    latter.valid_from as other_from,
    latter.valid_to as other_to

from numbered as former
inner join numbered as latter
    on
        former.seed = latter.seed
        and former.thing = latter.thing
        and former.row_place < latter.row_place
        and former.valid_from < latter.valid_to
        and former.valid_to > latter.valid_from
union all
-- What ends before it begins holds never.
select
    seed,
    thing,
    place as one_place,
    valid_from as one_from,
    valid_to as one_to,
    place as other_place,
    valid_from as other_from,
    valid_to as other_to

from numbered
where valid_from >= valid_to
