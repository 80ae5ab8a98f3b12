-- Where does delivery get faster at the cost of what it delivers?
select
    dim_team.team_label as team,
    findings.value as fail_rate,
    findings.lower_bound as from_rate,
    findings.upper_bound as to_rate,
    findings.reference as fail_rate_of_the_stream,
    findings.confidence
from findings
inner join dim_team on findings.grain_key = dim_team.team_key
where findings.finding = 'speed_without_stability'
order by team
