{{ config(group='vault') }}
-- What is open at a bucket's end began before it, and a remedy in the bucket leaves nothing open.
with open_stock as (
    select * from {{ ref('int_open_stock') }}
),

findings as (
    select * from {{ ref('int_findings') }}
),

weeks as (
    select * from {{ ref('int_weeks') }}
    where bucket = 'week'
)

select open_stock.event_key
from open_stock
inner join findings on open_stock.event_key = findings.finding_id
inner join weeks
    on
        open_stock.bucket = weeks.bucket
        and open_stock.bucket_start = weeks.bucket_start
where
    open_stock.stock = 'finding'
    and (
        open_stock.age_seconds <= 0
        or findings.opened_at >= weeks.bucket_end
        or findings.remediated_at < weeks.bucket_end
    )
