with headcounts as (
    select * from {{ ref('stg_canonical__headcounts') }}
),

quarters as (
    select * from {{ ref('int_buckets') }}
    where bucket = 'quarter'
),

teams as (
    select * from {{ ref('teams') }}
),

-- A quarter of 13 weeks may begin in December: its middle says which year it is of.
middles as (
    select
        bucket_start,
        is_closed,
        cast(extract(year from {{ dbt.dateadd('day', 45, 'bucket_start') }}) as integer)
            as year_number

    from quarters
),

named as (
    select
        bucket_start as quarter_start,
        is_closed,
        year_number,
        row_number() over (partition by year_number order by bucket_start) as quarter_number

    from middles
),

-- Of a team that the organisation does not have nobody can say how its people fare.
final as (
    select
        -- keys
        named.quarter_start,
        teams.team_key,

        -- time
        named.year_number,
        cast(named.quarter_number as integer) as quarter_number,

        -- measures
        cast(headcounts.people_count as numeric(12, 3)) as people_count,
        cast(headcounts.leaver_count as bigint) as leaver_count

    from headcounts
    inner join named
        on
            headcounts.quarter
            = cast(named.year_number as {{ dbt.type_string() }})
            || '-q'
            || cast(named.quarter_number as {{ dbt.type_string() }})
    inner join teams on headcounts.team = teams.team_key
    where named.is_closed
)

select * from final
