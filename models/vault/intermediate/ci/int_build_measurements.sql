with builds as (
    select * from {{ ref('int_builds') }}
),

final as (
    {%- for metric, kind, slice, slice_value, amount, condition in [
        ('build_duration', 'quantile', 'all', 'all', 'whole_seconds', 'true'),
        (
            'build_duration', 'quantile', 'ci_phase', 'queue', 'queue_seconds',
            'queue_seconds is not null'
        ),
        (
            'build_duration', 'quantile', 'ci_phase', 'run', 'run_seconds',
            'run_seconds is not null'
        ),
        (
            'build_success_rate', 'share', 'all', 'all', 'case when is_passed then 1 else 0 end',
            'is_first_attempt'
        ),
        ('flaky_rate', 'share', 'all', 'all', 'case when is_flaky then 1 else 0 end', 'true'),
    ] %}
    select
        build_key as event_key,
        '{{ metric }}' as metric_key,
        '{{ kind }}' as kind,
        '{{ slice }}' as slice,
        '{{ slice_value }}' as slice_value,
        '{{ "wall" if kind == "quantile" else "none" }}' as clock,
        system_key,
        team_key,
        value_stream_key,
        cast({{ amount }} as bigint) as amount,
        finished_at as counted_at

    from builds
    where {{ condition }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
)

select * from final
