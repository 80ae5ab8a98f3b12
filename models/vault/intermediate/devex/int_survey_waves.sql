with waves as (
    select * from {{ ref('stg_canonical__survey_waves') }}
),

quarters as (
    select * from {{ ref('int_buckets') }}
    where
        bucket = 'quarter'
        and is_closed
        and is_recent
),

placed as (
    select
        waves.wave_id,
        waves.closed_at,
        quarters.bucket_start as quarter_start,
        row_number() over (
            partition by quarters.bucket_start order by waves.closed_at desc, waves.wave_id asc
        ) as place

    from waves
    inner join quarters
        on
            cast(waves.closed_at as date) >= quarters.bucket_start
            and cast(waves.closed_at as date) < quarters.bucket_end
),

-- A quarter has one wave, the last that closed in it: two would be the same people twice.
final as (
    select
        wave_id,
        quarter_start,
        cast(closed_at as date) as closed_on

    from placed
    where place = 1
)

select * from final
