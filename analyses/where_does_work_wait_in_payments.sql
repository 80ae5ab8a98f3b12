-- Where does work wait most in Payments, and is it getting better?
with stages as (
    select
        wait_intensity.*,
        row_number() over (
            partition by wait_intensity.bucket_start order by wait_intensity.wait_share desc
        ) as place,
        first_value(wait_intensity.wait_share_lower) over (
            partition by wait_intensity.stage order by wait_intensity.bucket_start
        ) as first_lower,
        first_value(wait_intensity.wait_share_upper) over (
            partition by wait_intensity.stage order by wait_intensity.bucket_start
        ) as first_upper

    from wait_intensity
    inner join dim_value_stream on wait_intensity.grain_key = dim_value_stream.value_stream_key
    where
        wait_intensity.grain = 'value_stream'
        and wait_intensity.bucket = 'quarter'
        and wait_intensity.status = 'ok'
        and dim_value_stream.value_stream_label = 'Payments'
)

select
    bucket_start as quarter,
    stage,
    wait_share,
    wait_share_lower as from_share,
    wait_share_upper as to_share,
    is_binding,
    -- Only where the ranges of this quarter and the first are clear of each other.
    case
        when wait_share_upper < first_lower then 'better'
        when wait_share_lower > first_upper then 'worse'
        else 'no clear change'
    end as since_the_first_quarter

from stages
where place = 1
order by quarter
