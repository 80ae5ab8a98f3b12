{% macro covered_seconds(spans, by) -%}
    select
        {{ by | join(',\n        ') }},
        cast(sum(greatest(to_position - greatest(from_position, covered_to), 0)) as bigint)
            as covered_seconds

    from (
        -- Spans overlap: each adds only what lies beyond those before it.
        select
            *,
            coalesce(
                max(to_position) over (
                    partition by {{ by | join(', ') }} order by from_position, to_position
                    rows between unbounded preceding and 1 preceding
                ),
                from_position
            ) as covered_to
        from {{ spans }}
    ) as reached
    group by {{ by | join(', ') }}
{%- endmacro %}
