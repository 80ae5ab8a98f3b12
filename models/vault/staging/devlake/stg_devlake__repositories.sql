with repos as (
    select * from {{ source('devlake', 'repos') }}
),

final as (
    select
        -- keys
        id as repo_id,
        coalesce(repository, {{ without_connection('id') }}) as repository

    from repos
)

select * from final
