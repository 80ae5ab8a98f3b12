{#- A state lasts until the next run, and no longer than it may be believed. -#}
{%- set lasting_days = setting('pipeline_state_days') | int -%}
with builds as (
    select * from {{ ref('int_builds') }}
    where
        is_mainline
        and system_key != 'unassigned'
),

system_owners as (
    select * from {{ ref('int_system_owners') }}
),

offsets as (
    {%- for day in range(lasting_days) %}
    select {{ day }} as days_after
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

-- What a day ends with, and not how often it was tried.
ranked as (
    select
        system_key,
        workflow,
        cast(finished_at as date) as day,
        is_passed,
        row_number() over (
            partition by system_key, workflow, cast(finished_at as date)
            order by finished_at desc, build_key desc
        ) as place

    from builds
),

run_days as (
    select
        system_key,
        workflow,
        day,
        is_passed,
        lead(day) over (partition by system_key, workflow order by day) as next_day

    from ranked
    where place = 1
),

lasting as (
    select
        run_days.system_key,
        run_days.workflow,
        cast(
            {{ dbt.dateadd('day', 'offsets.days_after', 'run_days.day') }} as date
        ) as day,
        run_days.next_day,
        run_days.is_passed

    from run_days
    cross join offsets
),

-- Green is every workflow's last run.
states as (
    select
        system_key,
        day,
        min(case when is_passed then 1 else 0 end) as is_green

    from lasting
    where
        next_day is null
        or day < next_day
    group by system_key, day
),

final as (
    select
        states.system_key,
        coalesce(system_owners.team_key, 'unassigned') as team_key,
        coalesce(system_owners.value_stream_key, 'unassigned') as value_stream_key,
        states.day,
        states.is_green = 1 as is_green

    from states
    left join system_owners
        on
            states.system_key = system_owners.system_key
            and states.day >= system_owners.valid_from
            and states.day < system_owners.valid_to
)

select * from final
