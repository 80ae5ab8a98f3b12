-- What should we decide next, and what may we expect of it?
select
    coalesce(
        dim_value_stream.value_stream_label, dim_team.team_label, dim_system.system_label, 'Portfolio'
    ) as whose,
    decision_agenda.dimension,
    decision_agenda.move,
    decision_agenda.value as evidence,
    decision_agenda.item_count,
    decision_agenda.effect_lower as working_life_saved_from,
    decision_agenda.effect_upper as working_life_saved_to,
    decision_agenda.confidence
from decision_agenda
left join dim_value_stream on decision_agenda.grain_key = dim_value_stream.value_stream_key
left join dim_team on decision_agenda.grain_key = dim_team.team_key
left join dim_system on decision_agenda.grain_key = dim_system.system_key
order by decision_agenda.effect_upper desc nulls last, whose
