{{ config(group='vault') }}
-- Queue and run of a CI run are the whole of it, and what is flaky has failed.
with builds as (
    select * from {{ ref('int_builds') }}
)

select build_key
from builds
where
    queue_seconds + run_seconds != whole_seconds
    or (is_flaky and is_passed)
