with value_streams as (
    select * from {{ ref('value_streams') }}
),

final as (
    select
        value_stream_key,
        value_stream_label

    from value_streams
)

select * from final
