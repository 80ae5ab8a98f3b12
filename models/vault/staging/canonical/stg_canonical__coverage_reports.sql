with landed as (
    {{ union_sources(
        'coverage_reports', key=['report_id'],
        columns=[
            'system', 'repository', 'covered_lines', 'total_lines', 'measured_at',
        ],
    ) }}
),

final as (
    select
        -- keys
        report_id,
        system as system_key,
        repository,

        -- properties
        source,

        -- measures
        covered_lines,
        total_lines,

        -- timestamps
        measured_at

    from landed
)

select * from final
