with initiatives as (
    select * from {{ ref('int_initiatives') }}
    where delivered_at is not null
),

value_streams as (
    select * from {{ ref('value_streams') }}
),

placed as (
    select
        initiatives.initiative_id,
        initiatives.key_result,
        initiatives.anticipated_effect,
        initiatives.actual_effect,
        initiatives.is_outcome_anticipated,
        initiatives.delivered_at,
        coalesce(value_streams.value_stream_key, 'unassigned') as value_stream_key

    from initiatives
    left join value_streams on initiatives.value_stream_key = value_streams.value_stream_key
),

-- What was to fall has a negative effect, and reached it where it fell as far.
judged as (
    select
        *,
        case
            when actual_effect is null then 'unmeasured'
            when anticipated_effect >= 0 and actual_effect >= anticipated_effect then 'reached'
            when anticipated_effect < 0 and actual_effect <= anticipated_effect then 'reached'
            else 'missed'
        end as effect

    from placed
),

final as (
    {%- for metric, slice, slice_value, amount, condition in [
        ('feature_factory_ratio', 'all', 'all', 'not is_outcome_anticipated', 'true'),
        ('okr_linkage', 'all', 'all', 'key_result is not null', 'true'),
        (
            'anticipated_vs_actual', 'effect', 'reached', "effect = 'reached'",
            'anticipated_effect is not null'
        ),
        (
            'anticipated_vs_actual', 'effect', 'missed', "effect = 'missed'",
            'anticipated_effect is not null'
        ),
        (
            'anticipated_vs_actual', 'effect', 'unmeasured', "effect = 'unmeasured'",
            'anticipated_effect is not null'
        ),
    ] %}
    select
        initiative_id as event_key,
        '{{ metric }}' as metric_key,
        'share' as kind,
        '{{ slice }}' as slice,
        '{{ slice_value }}' as slice_value,
        'none' as clock,
        -- Of the portfolio's work no one system or team is known.
        'unassigned' as system_key,
        'unassigned' as team_key,
        value_stream_key,
        cast(case when {{ amount }} then 1 else 0 end as bigint) as amount,
        delivered_at as counted_at

    from judged
    where {{ condition }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
)

select * from final
