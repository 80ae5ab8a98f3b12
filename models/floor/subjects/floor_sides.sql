with measurability as (
    select * from {{ ref('floor_measurability') }}
    where status = 'ok'
),

all_series as (
    select * from {{ ref('metric_series') }}
    where statistic in ('share', 'mean')
),

series as (
    select
        all_series.*,
        all_series.metric_key || '__' || all_series.statistic
        || case when all_series.slice = 'work_type' then '__' || all_series.slice_value else '' end
            as side_population,
        case when all_series.needs_authors then 'author' else 'reviewer' end as subject_role,
        case when all_series.needs_authors then 1 else 0 end
        + case when all_series.needs_reviewers then 1 else 0 end
        -- Of a mean the events count that add to its sum.
        + case when all_series.statistic = 'share' and all_series.needs_authors then 1 else 0 end
            as needed_count

    from all_series
    -- A type of work that nobody uses has no side that could be closed.
    inner join measurability
        on
            all_series.metric_key = measurability.metric_key
            and all_series.slice = measurability.slice
            and all_series.slice_value = measurability.slice_value
            and all_series.statistic = measurability.statistic
            and all_series.clock = measurability.clock
),

cells as (
    select * from {{ ref('floor_cells') }}
),

quarters as (
    select * from {{ ref('int_buckets') }}
    where bucket = 'quarter'
),

-- Each side is a population of its own in the activity. Nobody need have reviewed what is on the
-- side without, so only its authors are asked for.
sides as (
    select
        series.metric_key,
        series.slice,
        series.slice_value,
        series.statistic,
        series.clock,
        cells.grain,
        cells.grain_key,
        cells.bucket,
        cells.bucket_start,
        sum(case when cells.is_open then 1 else 0 end) as open_count

    from series
    inner join cells
        on
            series.author_kind = cells.author_kind
            and (
                (
                    cells.population = series.side_population || '__with'
                    and (
                        (cells.role = 'author' and series.needs_authors)
                        or (cells.role = 'reviewer' and series.needs_reviewers)
                    )
                )
                or (
                    cells.population = series.side_population || '__without'
                    and series.statistic = 'share'
                    and series.needs_authors
                    and cells.role = 'author'
                )
            )
    group by
        series.metric_key, series.slice, series.slice_value, series.statistic, series.clock,
        cells.grain, cells.grain_key, cells.bucket, cells.bucket_start
),

judged as (
    select
        series.metric_key,
        series.slice,
        series.slice_value,
        series.statistic,
        series.clock,
        cells.grain,
        cells.grain_key,
        cells.bucket,
        cells.bucket_start,
        quarters.bucket_start as quarter_start,
        case when sides.open_count = series.needed_count then 1 else 0 end as is_open

    from series
    inner join cells
        on
            series.population = cells.population
            and series.author_kind = cells.author_kind
            and series.subject_role = cells.role
    inner join quarters
        on
            cells.bucket_start >= quarters.bucket_start
            and cells.bucket_start < quarters.bucket_end
    left join sides
        on
            series.metric_key = sides.metric_key
            and series.slice = sides.slice
            and series.slice_value = sides.slice_value
            and series.statistic = sides.statistic
            and series.clock = sides.clock
            and cells.grain = sides.grain
            and cells.grain_key = sides.grain_key
            and cells.bucket = sides.bucket
            and cells.bucket_start = sides.bucket_start
),

-- Shares that part a whole are told together or not at all: the last could be computed.
parted as (
    select
        metric_key,
        slice,
        slice_value,
        statistic,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        quarter_start,
        case
            when slice != 'work_type' then is_open
            else
                min(is_open) over (
                    partition by
                        metric_key, slice, statistic, clock, grain, grain_key, bucket, bucket_start
                )
        end as is_open

    from judged
),

-- Bands beside exact counts would be equations: a quarter has the ones or the others. Of parts of a
-- whole they would be equations beside each other.
final as (
    select
        metric_key,
        slice,
        slice_value,
        statistic,
        clock,
        grain,
        grain_key,
        bucket,
        bucket_start,
        is_open = 1 as is_open,
        slice != 'work_type'
        and max(is_open) over (
            partition by metric_key, slice, slice_value, statistic, clock, quarter_start
        ) = 0 as is_banded

    from parted
)

select * from final
