{{ config(group='vault') }}
-- What parts a population is told of every part or of none, and its counts are those of the whole.
with observations as (
    select * from {{ ref('floor_observations') }}
    where status = 'ok'
),

parts as (
    select
        metric_key,
        slice,
        statistic,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        sum(sample_size) as sample_size,
        sum(numerator) as numerator,
        count(*) as part_count

    from observations
    -- Others are shares of one denominator: assert_shares_of_one_whole_add_up_to_one.
    where slice in {{ parted_slices() }} and slice not in ('work_type', 'initiative')
    group by metric_key, slice, statistic, clock, grain, grain_key, bucket, bucket_start
)

select
    parts.metric_key,
    parts.slice,
    parts.statistic,
    parts.grain,
    parts.bucket,
    parts.bucket_start

from parts
left join observations as whole
    on
        whole.slice = 'all'
        and parts.metric_key = whole.metric_key
        and parts.statistic = whole.statistic
        and parts.clock = whole.clock
        and parts.grain = whole.grain
        and parts.grain_key = whole.grain_key
        and parts.bucket = whole.bucket
        and parts.bucket_start = whole.bucket_start
where
    whole.value is null
    or parts.sample_size != whole.sample_size
    or coalesce(parts.numerator, 0) != coalesce(whole.numerator, 0)
    or parts.part_count != case when parts.slice = 'risk_zone' then 3 else 2 end
