{{ config(group='vault') }}
-- A week has one owner: who owns a system or a team's value stream changes between weeks only.
with days as (
    select
        'system_owners' as seed,
        system_key as thing,
        valid_from as day

    from {{ ref('system_owners') }}
    union all
    select
        'system_owners' as seed,
        system_key as thing,
        valid_to as day

    from {{ ref('system_owners') }}
    union all
    select
        'team_value_streams' as seed,
        team_key as thing,
        valid_from as day

    from {{ ref('team_value_streams') }}
    union all
    select
        'team_value_streams' as seed,
        team_key as thing,
        valid_to as day

    from {{ ref('team_value_streams') }}
)

select *
from days
where
    day is not null
    and cast({{ dbt.date_trunc('week', 'day') }} as date) != day
