{%- set days = setting('familiar_days') | int -%}
with lives as (
    select * from {{ ref('int_change_lives') }}
    where
        merged_at is not null
        and author_kind = 'human'
        and team_key != 'unassigned'
),

people as (
    select * from {{ ref('int_change_people') }}
    where
        role = 'author'
        and is_resolved
),

-- An account that nobody declared is nobody in particular, so from nowhere either.
human_reviews as (
    select * from {{ ref('int_human_reviews') }}
    where reviewer_key is not null
),

system_owners as (
    select * from {{ ref('int_system_owners') }}
),

-- Before a system's history is that long, everybody would look like somebody from outside.
first_merges as (
    select
        system_key,
        min(merged_at) as known_from

    from lives
    group by system_key
),

reviewed as (
    select distinct
        lives.change_key,
        lives.team_key,
        lives.merged_at,
        human_reviews.reviewer_key

    from lives
    inner join first_merges
        on
            lives.system_key = first_merges.system_key
            and {{ dbt.dateadd('day', days, 'first_merges.known_from') }} <= lives.merged_at
    inner join human_reviews
        on
            lives.change_key = human_reviews.change_key
            and lives.merged_at >= human_reviews.submitted_at
),

authored as (
    select
        lives.system_key,
        lives.merged_at,
        people.person_key

    from lives
    inner join people on lives.change_key = people.change_key
),

-- The systems that the team owns as the change merges, whoever owned them before.
familiar as (
    select distinct
        reviewed.change_key,
        reviewed.reviewer_key

    from reviewed
    inner join authored
        on
            reviewed.reviewer_key = authored.person_key
            and reviewed.merged_at > authored.merged_at
            and {{ dbt.dateadd('day', -days, 'reviewed.merged_at') }} <= authored.merged_at
    inner join system_owners
        on
            authored.system_key = system_owners.system_key
            and reviewed.team_key = system_owners.team_key
            and cast(reviewed.merged_at as date) >= system_owners.valid_from
            and cast(reviewed.merged_at as date) < system_owners.valid_to
),

final as (
    select
        -- keys
        reviewed.change_key,

        -- properties
        count(*) > count(familiar.reviewer_key) as is_reviewed_from_outside,

        -- timestamps
        reviewed.merged_at

    from reviewed
    left join familiar
        on
            reviewed.change_key = familiar.change_key
            and reviewed.reviewer_key = familiar.reviewer_key
    group by reviewed.change_key, reviewed.merged_at
)

select * from final
