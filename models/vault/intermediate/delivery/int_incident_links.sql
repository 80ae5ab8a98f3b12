with incidents as (
    select * from {{ ref('int_incidents') }}
),

deployments as (
    select * from {{ ref('int_deployments') }}
),

parts as (
    select * from {{ ref('int_deployment_parts') }}
),

carried_commits as (
    select * from {{ ref('int_carried_commits') }}
),

remedies as (
    select * from {{ ref('int_deployment_remedies') }}
),

carried as (
    select
        parts.deployment_key,
        parts.system_key,
        parts.finished_at,
        carried_commits.commit_key

    from parts
    inner join carried_commits on parts.deployment_id = carried_commits.deployment_id
),

carrying as (
    select
        incidents.incident_id,
        carried.deployment_key,
        carried.finished_at,
        {{ seconds_between('carried.finished_at', 'incidents.opened_at') }} as seconds_after

    from incidents
    inner join carried
        on
            incidents.system_key = carried.system_key
            and (
                incidents.commit_key = carried.commit_key
                -- Who names no repository means one of the system's own.
                or (
                    incidents.commit_key is null
                    and incidents.system_key != 'unassigned'
                    and carried.commit_key like '%@' || incidents.commit_sha
                )
            )
),

-- Of a commit's deployments the latest before the incident. Where all ended after it, the first:
-- what a rollout breaks shows before it is over, and reports know minutes.
named as (
    select
        incident_id,
        deployment_key,
        finished_at,
        row_number() over (
            partition by incident_id
            order by
                case when seconds_after >= 0 then 0 else 1 end asc,
                abs(seconds_after) asc,
                deployment_key asc
        ) as preference

    from carrying
),

-- The latest deployment of its system before it, by one look back and not by pairing all with all.
timeline as (
    select
        system_key,
        finished_at as happened_at,
        finished_at,
        cast(null as {{ dbt.type_string() }}) as incident_id

    from deployments
    union all
    -- What no rule maps is no system: time says nothing across it.
    select
        system_key,
        opened_at as happened_at,
        cast(null as {{ dbt.type_timestamp() }}) as finished_at,
        incident_id

    from incidents
    where system_key != 'unassigned'
),

looked_back as (
    select
        incident_id,
        system_key,
        happened_at,
        max(finished_at) over (
            partition by system_key order by happened_at
            range between unbounded preceding and current row
        ) as finished_at

    from timeline
),

latest as (
    select
        looked_back.incident_id,
        deployments.finished_at,
        {{ seconds_between('deployments.finished_at', 'looked_back.happened_at') }}
            as seconds_after,
        max(deployments.deployment_key) as deployment_key

    from looked_back
    inner join deployments
        on
            looked_back.system_key = deployments.system_key
            and looked_back.finished_at = deployments.finished_at
    where looked_back.incident_id is not null
    group by looked_back.incident_id, deployments.finished_at, looked_back.happened_at
),

-- An incident of one system never lands on another's deployment: every link asks for the same.
found as (
    select
        incidents.incident_id,
        parts.deployment_key,
        'explicit' as link_method,
        1.0 as link_confidence,
        parts.finished_at

    from incidents
    inner join parts
        on
            incidents.deployment_id = parts.deployment_id
            and incidents.system_key = parts.system_key
    union all
    select
        incident_id,
        deployment_key,
        'explicit' as link_method,
        0.9 as link_confidence,
        finished_at

    from named
    where preference = 1
    union all
    select
        incidents.incident_id,
        remedies.deployment_key,
        'remediation' as link_method,
        0.8 as link_confidence,
        remedies.failed_from as finished_at

    from incidents
    inner join remedies
        on
            incidents.system_key = remedies.system_key
            and incidents.opened_at >= remedies.failed_from
            and incidents.opened_at <= remedies.remedied_at
    -- What is undone weeks later does not answer this incident.
    where
        incidents.system_key != 'unassigned'
        and (
            {{ seconds_between('incidents.opened_at', 'remedies.remedied_at') }}
            <= {{ setting('incident_window_hours') }} * 3600
            or remedies.remedied_at <= incidents.resolved_at
        )
    union all
    -- Beyond the window no failure rests on it; it shows how much hangs on the window's length.
    select
        incident_id,
        deployment_key,
        case
            when seconds_after <= {{ setting('incident_window_hours') }} * 3600 then 'window'
            when seconds_after <= {{ setting('incident_window_hours') }} * 7200
                then 'window_doubled'
            else 'nearest'
        end as link_method,
        0.5 as link_confidence,
        finished_at

    from latest
),

ranked as (
    select
        *,
        row_number() over (
            partition by incident_id
            order by link_confidence desc, finished_at desc, deployment_key asc
        ) as preference

    from found
),

final as (
    select
        -- keys
        incident_id,
        deployment_key,

        -- properties
        link_method,
        link_confidence

    from ranked
    where preference = 1
)

select * from final
