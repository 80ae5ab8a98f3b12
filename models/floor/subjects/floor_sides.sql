with series as (
    select
        *,
        metric_key || '__' || statistic
        || case when slice in {{ parted_slices() }} then '__' || slice_value else '' end
            as side_population,
        case when needs_authors then 'author' else 'reviewer' end as subject_role,
        case when needs_authors then 1 else 0 end
        + case when needs_reviewers then 1 else 0 end
        -- Of a mean the events count that add to its sum.
        + case when statistic = 'share' and needs_authors then 1 else 0 end as needed_count

    from {{ ref('metric_series') }}
    where statistic in ('share', 'mean')
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

-- Bands beside exact counts would be equations: a quarter has the ones or the others, and a part
-- that is told as a band beside its whole would be one always.
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
        max(is_open) over (
            partition by metric_key, slice, slice_value, statistic, clock, quarter_start
        ) = 0
        and slice not in {{ parted_slices() }} as is_banded

    from judged
)

select * from final
