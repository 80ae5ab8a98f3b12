{{ config(group='vault') }}
-- A metric marked never has rows at its own grains only, so no tool can show it higher up; and no
-- metric has one at a grain that the catalogue does not name.
with observations as (
    select * from {{ ref('floor_observations') }}
),

metrics as (
    select * from {{ ref('metrics') }}
)

select distinct
    observations.metric_key,
    observations.grain

from observations
left join metrics on observations.metric_key = metrics.metric_key
where
    metrics.metric_key is null
    or '|' || metrics.grains || '|' not like '%|' || observations.grain || '|%'
    or (
        observations.metric_key = 'wait_intensity'
        and observations.grain in ('system', 'portfolio')
    )
