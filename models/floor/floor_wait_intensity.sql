with shares as (
    select * from {{ ref('floor_measured') }}
    where
        metric_key = 'wait_share'
        and slice = 'stage'
        and grain in ('team', 'value_stream')
),

settings as (
    select * from {{ ref('int_settings') }}
),

ranked as (
    select
        *,
        row_number() over (
            partition by grain, grain_key, bucket, bucket_start
            order by
                case when status = 'ok' then 0 else 1 end,
                coalesce(value, lower_bound) desc,
                slice_value
        ) as place,
        min(case when status = 'ok' then 1 else 0 end) over (
            partition by grain, grain_key, bucket, bucket_start
        ) as is_whole

    from shares
),

runners_up as (
    select
        *,
        max(case when place = 2 then upper_bound end) over (
            partition by grain, grain_key, bucket, bucket_start
        ) as runner_up_upper_bound

    from ranked
),

-- Binding needs three things: the greatest share, a quarter of the life, and standing out.
classed as (
    select
        waits.*,
        case
            when waits.is_whole = 0 then null
            when
                waits.place = 1
                and coalesce(waits.value, waits.lower_bound) >= settings.binding_share
                and waits.lower_bound > waits.runner_up_upper_bound
                then 3
            when coalesce(waits.value, waits.lower_bound) >= settings.elevated_share then 2
            else 1
        end as intensity

    from runners_up as waits
    cross join settings
),

final as (
    select
        'wait_intensity' as metric_key,
        grain,
        grain_key,
        slice,
        slice_value,
        'class' as statistic,
        'working' as clock,
        bucket,
        bucket_start,
        cast(intensity as numeric(18, 4)) as value,
        cast(intensity as numeric(18, 4)) as lower_bound,
        cast(intensity as numeric(18, 4)) as upper_bound,
        cast(null as numeric(18, 4)) as numerator,
        cast(null as numeric(18, 4)) as denominator,
        case when is_whole = 1 then sample_size end as sample_size,
        case when is_whole = 1 then 'census' end as method,
        case
            when is_whole = 1 then 'ok'
            when status = 'ok' then 'withheld'
            else status
        end as status

    from classed
)

select * from final
