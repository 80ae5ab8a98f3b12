with spine as (
    select * from {{ ref('floor_spine') }}
    where class = 'S'
),

observed as (
    select * from {{ ref('observed_deliveries') }}
),

services as (
    select * from {{ ref('floor_services') }}
),

buckets as (
    select * from {{ ref('int_buckets') }}
),

-- Of a connected source nothing is a measured 0, with its range; a ratio over nothing is no data.
told as (
    select
        spine.metric_key,
        spine.grain,
        spine.grain_key,
        spine.slice,
        spine.slice_value,
        spine.statistic,
        spine.clock,
        spine.bucket,
        spine.bucket_start,
        spine.measurability,
        spine.min_sample,
        spine.precision_step,
        spine.statistic in ('count', 'rate') as is_count,
        coalesce(services.is_open, false) as is_open,
        observed.metric_key is not null as is_observed,
        case when spine.statistic = 'rate' then buckets.week_count else 1 end as unit,
        observed.value,
        observed.lower_bound,
        observed.upper_bound,
        observed.numerator,
        observed.denominator,
        observed.sample_size,
        observed.method,
        observed.is_supported

    from spine
    inner join buckets
        on
            spine.bucket = buckets.bucket
            and spine.bucket_start = buckets.bucket_start
    left join services
        on
            spine.grain = services.grain
            and spine.grain_key = services.grain_key
            and spine.bucket = services.bucket
            and spine.bucket_start = services.bucket_start
    left join observed
        on
            spine.metric_key = observed.metric_key
            and spine.slice = observed.slice
            and spine.slice_value = observed.slice_value
            and spine.statistic = observed.statistic
            and spine.clock = observed.clock
            and spine.grain = observed.grain
            and spine.grain_key = observed.grain_key
            and spine.bucket = observed.bucket
            and spine.bucket_start = observed.bucket_start
),

judged as (
    select
        *,
        case
            when measurability != 'ok' then measurability
            when not is_open then 'withheld'
            when is_count then 'ok'
            when not is_observed then 'no_data'
            when sample_size >= min_sample and is_supported then 'ok'
            else 'withheld'
        end as status,
        case when is_count then coalesce(value, 0) else value end as told_value,
        case when is_count then coalesce(lower_bound, 0) else lower_bound end as told_lower_bound,
        case
            when is_count then coalesce(upper_bound, {{ poisson('0.0', 'upper') }} / unit)
            else upper_bound
        end as told_upper_bound,
        case when is_count then coalesce(sample_size, 0) else sample_size end as told_sample_size,
        case when is_count then coalesce(method, 'poisson_wilson_hilferty') else method end
            as told_method

    from told
),

final as (
    select
        metric_key,
        grain,
        grain_key,
        slice,
        slice_value,
        statistic,
        clock,
        bucket,
        bucket_start,
        case when status = 'ok' then {{ cut('told_value', 'precision_step') }} end as value,
        case when status = 'ok' then {{ cut('told_lower_bound', 'precision_step', 'floor') }} end
            as lower_bound,
        case when status = 'ok' then {{ cut('told_upper_bound', 'precision_step', 'ceil') }} end
            as upper_bound,
        case when status = 'ok' then {{ cut('numerator', 1) }} end as numerator,
        case when status = 'ok' then {{ cut('denominator', 1) }} end as denominator,
        case when status = 'ok' then cast(told_sample_size as bigint) end as sample_size,
        case when status = 'ok' then told_method end as method,
        status

    from judged
)

select * from final
