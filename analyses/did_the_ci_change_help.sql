-- Did the CI change help? (It was made on 1 January 2026: put your day in both places.)
with quarters as (
    select
        *,
        row_number() over (
            partition by metric_key, statistic, bucket_start < date '2026-01-01'
            order by bucket_start desc
        ) as place,
        case when bucket_start < date '2026-01-01' then 'before' else 'after' end as side

    from metric_observations
    where
        grain = 'portfolio'
        and bucket = 'quarter'
        and slice = 'all'
        and status = 'ok'
        and metric_key in ('build_duration', 'build_success_rate', 'flaky_rate')
)

select
    earlier.metric_key,
    earlier.statistic,
    earlier.value as value_before,
    earlier.lower_bound as before_from,
    earlier.upper_bound as before_to,
    later.value as value_after,
    later.lower_bound as after_from,
    later.upper_bound as after_to,
    case
        when later.upper_bound < earlier.lower_bound then 'lower'
        when later.lower_bound > earlier.upper_bound then 'higher'
        else 'no clear change'
    end as answer

from quarters as earlier
inner join quarters as later
    on
        earlier.metric_key = later.metric_key
        and earlier.statistic = later.statistic
where
    earlier.side = 'before'
    and earlier.place = 1
    and later.side = 'after'
    and later.place = 1
order by earlier.metric_key, earlier.statistic
