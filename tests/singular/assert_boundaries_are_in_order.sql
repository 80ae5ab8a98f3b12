{{ config(group='vault') }}
-- What is known of start, ready, approval, merge and deployment comes in that order.
with boundaries as (
    select * from {{ ref('int_change_boundaries') }}
)

select change_key
from boundaries
where
    started_at > coalesce(ready_at, approved_at, merged_at, deployed_at)
    or ready_at > coalesce(approved_at, merged_at, deployed_at)
    or approved_at > coalesce(merged_at, deployed_at)
    or merged_at > deployed_at
