"""What keeps numbers from coming out: not mapped, stale, quarantined, orphaned, not measurable."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb

from orchestration.errors import FlowgrainError
from orchestration.home import Home
from orchestration.landing.freshness import stale_sources, windows
from orchestration.landing.vault import read_vault

# Numbers of rows and loads on a line.
SHOWN = 5


@dataclass(frozen=True)
class Capability:
    """What a source can tell, and the ways to tell it: columns of the contract by entity."""

    words: str
    ways: tuple[dict[str, tuple[str, ...]], ...]

    def __str__(self) -> str:
        """Put it into words: what is missing, and where it would come from."""
        ways = (
            " with ".join(f"{entity} ({', '.join(names)})" for entity, names in way.items())
            for way in self.ways
        )
        return f"{self.words}: comes from {' or '.join(ways)}"


CAPABILITIES = {
    "changes": Capability("which changes were merged", ({"changes": ("change_id", "merged_at")},)),
    "start": Capability(
        "when work on a change began",
        (
            {"change_commits": ("commit_sha",), "commits": ("authored_at",)},
            {"changes": ("first_commit_at",)},
        ),
    ),
    "opened": Capability(
        "when a change was opened",
        ({"changes": ("opened_at",)}, {"change_reviews": ("kind", "submitted_at")}),
    ),
    "open_work": Capability(
        "which changes are still open", ({"changes": ("opened_at", "merged_at", "closed_at")},)
    ),
    "reviews": Capability(
        "who reviewed what, and when", ({"change_reviews": ("kind", "reviewer", "submitted_at")},)
    ),
    "deployments": Capability(
        "when a change reached production",
        ({"deployments": ("environment", "result", "commit_sha", "finished_at")},),
    ),
    "production": Capability(
        "what was deployed to production",
        ({"deployments": ("environment", "result", "finished_at")},),
    ),
    "ci_runs": Capability(
        "when CI ran on a change",
        ({"ci_runs": ("commit_sha", "queued_at", "finished_at")},),
    ),
    "incidents": Capability(
        "which incidents there were", ({"incidents": ("opened_at", "resolved_at")},)
    ),
    "findings": Capability(
        "which weaknesses were found and remedied",
        ({"vulnerability_findings": ("severity", "opened_at", "resolved_at")},),
    ),
    "mainline": Capability(
        "what came to the main line, step by step",
        ({"mainline_commits": ("commit_sha", "mainline_position")},),
    ),
    "mainline_runs": Capability(
        "which CI runs were of the main line",
        ({"ci_runs": ("is_mainline", "result", "finished_at")},),
    ),
    "coverage": Capability(
        "how much of a system its tests run through",
        ({"coverage_reports": ("covered_lines", "total_lines", "measured_at")},),
    ),
    "environment_requests": Capability(
        "when environments were asked for and usable",
        ({"environment_requests": ("requested_at", "usable_at")},),
    ),
    "production_defects": Capability(
        "which defects were found in production",
        ({"work_items": ("work_type", "found_in", "system")},),
    ),
    "failures": Capability(
        "which deployments failed",
        ({"incidents": ("opened_at",)}, {"deployments": ("undoes_deployment_id",)}),
    ),
    "unplanned": Capability(
        "which deployments were not planned",
        ({"deployments": ("title", "undoes_deployment_id")},),
    ),
    "surveys": Capability(
        "what people say of their work",
        (
            {
                "survey_waves": ("wave_id", "closed_at"),
                "survey_responses": ("respondent", "team", "item", "score"),
            },
        ),
    ),
    "headcounts": Capability(
        "how many people each team had, and how many left",
        ({"headcounts": ("quarter", "team", "people_count", "leaver_count")},),
    ),
    "assistance": Capability(
        "which changes an AI assistant helped with",
        ({"changes": ("body",)}, {"change_commits": ("commit_sha",), "commits": ("message",)}),
    ),
    "ai_usage": Capability(
        "who uses an AI tool that their team has seats of",
        ({"ai_usage": ("account", "team", "tool"), "ai_licences": ("team", "tool", "seats")},),
    ),
    "ai_licences": Capability(
        "which seats of AI tools a team has", ({"ai_licences": ("team", "tool", "seats")},)
    ),
    "initiatives": Capability(
        "which initiatives were delivered", ({"initiatives": ("delivered_at", "body")},)
    ),
    "effects": Capability(
        "which effect an initiative was to have",
        ({"initiatives": ("anticipated_effect", "actual_effect")},),
    ),
    "lines": Capability(
        "how many lines a change touched",
        ({"change_commits": ("commit_sha",), "commit_files": ("path", "additions", "deletions")},),
    ),
    "files": Capability(
        "who knows which files",
        ({"commits": ("author", "committed_at"), "commit_files": ("path", "change_type")},),
    ),
    "commits": Capability(
        "which commits a change consists of",
        ({"change_commits": ("commit_sha",), "commits": ("authored_at",)},),
    ),
    "dev_evidence": Capability(
        "when somebody worked on a change before its review",
        (
            {"change_commits": ("commit_sha",), "commits": ("authored_at",)},
            {
                "change_work_items": ("work_item_id",),
                "work_item_transitions": ("status", "changed_at"),
            },
        ),
    ),
    "evidence": Capability(
        "when somebody worked on a change",
        (
            {"change_commits": ("commit_sha",), "commits": ("authored_at",)},
            {"change_reviews": ("submitted_at",)},
            {
                "change_work_items": ("work_item_id",),
                "work_item_transitions": ("status", "changed_at"),
            },
        ),
    ),
    "work_items": Capability(
        "which tracker items were completed", ({"work_items": ("work_item_id", "resolved_at")},)
    ),
    "dependencies": Capability(
        "what depended on another team",
        (
            {
                "change_work_items": ("work_item_id",),
                "work_item_links": ("kind", "other_work_item_id"),
            },
            {"review_requests": ("team", "requested_at")},
        ),
    ),
    "customer_requests": Capability(
        "when a customer's request was in production",
        (
            {
                "work_items": ("is_customer_request", "created_at", "resolved_at"),
                "change_work_items": ("work_item_id",),
                "deployments": ("finished_at",),
            },
        ),
    ),
    "item_initiatives": Capability(
        "which initiative a tracker item is part of",
        ({"work_items": ("initiative",), "initiatives": ("initiative_id", "body")},),
    ),
    "item_links": Capability(
        "which changes a tracker item consists of", ({"change_work_items": ("work_item_id",)},)
    ),
    **{
        name: Capability(f"which tracker items are {words}", ({"work_items": ("work_type",)},))
        for name, words in (
            ("features", "features"),
            ("defects", "defects"),
            ("debt", "debt"),
            ("risks", "risks"),
            ("unplanned_work", "unplanned work"),
        )
    },
}

# Relations that the models left behind; a build that broke off may lack some.
BUILT = {
    ("flowgrain_vault", "int_capabilities"),
    ("flowgrain_vault", "int_change_systems"),
    ("flowgrain_vault", "int_work_item_statuses"),
    ("flowgrain_vault", "int_as_of"),
    ("flowgrain_seeds", "metric_series"),
}

UNMAPPED_REPOSITORIES = """
select changes.repository, count(*) as found
from flowgrain_vault.int_change_systems as placed
inner join flowgrain_vault.stg_canonical__changes as changes using (change_key)
where placed.system_key is null
group by all order by found desc, changes.repository
"""
UNMAPPED_STATUSES = """
select status, count(*) as found
from flowgrain_vault.int_work_item_statuses
where activity is null
group by all order by found desc, status
"""
UNMAPPED_ENVIRONMENTS = """
select deployments.environment, count(*) as found
from flowgrain_vault.stg_canonical__deployments as deployments
left join flowgrain_seeds.environments as environments
    on lower(deployments.environment) = lower(environments.environment)
where environments.environment is null
group by all order by found desc, deployments.environment
"""
UNMAPPED_SEVERITIES = """
select count(*) as found
from flowgrain_vault.int_incidents as incidents
left join flowgrain_seeds.severities as severities
    on lower(incidents.severity) = severities.severity_word
where incidents.severity is not null and severities.severity_word is null
having count(*) > 0
"""
UNMAPPED_ITEMS = """
select responses.item, count(*) as found
from flowgrain_vault.stg_canonical__survey_responses as responses
left join flowgrain_seeds.survey_items as items using (item)
where items.item is null
group by all order by found desc, responses.item
"""
UNKNOWN_SEAT_TEAMS = """
select licences.team, count(*) as found
from flowgrain_vault.stg_canonical__ai_licences as licences
left join flowgrain_seeds.teams as teams on licences.team = teams.team_key
where teams.team_key is null
group by all order by found desc, licences.team
"""
USE_WITHOUT_SEAT = """
select usage.team, usage.tool, count(*) as found
from flowgrain_vault.stg_canonical__ai_usage as usage
left join flowgrain_vault.stg_canonical__ai_licences as licences using (team, tool)
where licences.team is null
group by all order by found desc, usage.team, usage.tool
"""
UNKNOWN_SURVEY_TEAMS = """
select responses.team, count(*) as found
from flowgrain_vault.stg_canonical__survey_responses as responses
left join flowgrain_seeds.teams as teams on responses.team = teams.team_key
where responses.team is not null and teams.team_key is null
group by all order by found desc, responses.team
"""
UNKNOWN_SYSTEMS = """
select deployments.system_key, count(*) as found
from flowgrain_vault.stg_canonical__deployments as deployments
left join flowgrain_seeds.systems as systems using (system_key)
where deployments.system_key is not null and systems.system_key is null
group by all order by found desc, deployments.system_key
"""
UNKNOWN_HEADCOUNT_TEAMS = """
select headcounts.team, count(*) as found
from flowgrain_vault.stg_canonical__headcounts as headcounts
left join flowgrain_seeds.teams as teams on headcounts.team = teams.team_key
where teams.team_key is null
group by all order by headcounts.team
"""
UNPLACED_INCIDENTS = """
select count(*) from flowgrain_vault.int_incidents where system_key = 'unassigned'
having count(*) > 0
"""
UNOWNED_SYSTEMS = """
select systems.system_key, systems.system_label
from flowgrain_seeds.systems as systems
cross join flowgrain_vault.int_as_of as clock
left join flowgrain_seeds.system_owners as owners
    on systems.system_key = owners.system_key
    and coalesce(owners.valid_from, date '1900-01-01') <= clock.as_of
    and coalesce(owners.valid_to, date '9999-01-01') > clock.as_of
where owners.team_key is null
order by systems.system_key
"""
TEAMS_WITHOUT_CALENDAR = """
select teams.team_key, teams.team_label
from flowgrain_seeds.teams as teams
left join flowgrain_seeds.calendars as calendars using (calendar_key)
where calendars.calendar_key is null
order by teams.team_key
"""
TEAMS_WITHOUT_STREAM = """
select teams.team_key, teams.team_label
from flowgrain_seeds.teams as teams
cross join flowgrain_vault.int_as_of as clock
left join flowgrain_seeds.team_value_streams as streams
    on teams.team_key = streams.team_key
    and coalesce(streams.valid_from, date '1900-01-01') <= clock.as_of
    and coalesce(streams.valid_to, date '9999-01-01') > clock.as_of
where streams.value_stream_key is null
order by teams.team_key
"""
UNDECLARED_PEOPLE = """
select
    count(distinct person_key) filter (where not is_resolved) as undeclared,
    count(distinct person_key) as met
from flowgrain_vault.int_change_people
having undeclared > 0
"""
# A line for each row of a query.
UNMAPPED = (
    (
        UNDECLARED_PEOPLE,
        "{:,} of {:,} who took part in changes are not declared and count as nobody "
        "(`flowgrain accounts`)",
    ),
    (UNMAPPED_REPOSITORIES, "repository {} has no system; changes: {:,} (system_paths.csv)"),
    (UNMAPPED_STATUSES, "status {} is not mapped; times taken: {:,} (status_map.csv)"),
    (UNMAPPED_ENVIRONMENTS, "environment {} is not mapped; deployments: {:,} (environments.csv)"),
    (UNMAPPED_SEVERITIES, "incidents of a severity that is not mapped: {:,} (severities.csv)"),
    (UNMAPPED_ITEMS, "survey item {} is not mapped; answers: {:,} (survey_items.csv)"),
    (UNKNOWN_SEAT_TEAMS, "team {} is not known; licences that name it: {:,} (teams.csv)"),
    (USE_WITHOUT_SEAT, "team {} has no licence of {}; weeks of its use: {:,} (ai_licences)"),
    (UNKNOWN_SURVEY_TEAMS, "team {} is not known; answers that name it: {:,} (teams.csv)"),
    (UNKNOWN_SYSTEMS, "system {} is not known; deployments that name it: {:,} (systems.csv)"),
    (UNKNOWN_HEADCOUNT_TEAMS, "team {} is not known; quarters of headcounts: {:,} (teams.csv)"),
    (
        UNPLACED_INCIDENTS,
        "incidents of no system: {:,} (name its key as their component, or map the repository)",
    ),
    (UNOWNED_SYSTEMS, "system {} ({}) has no owner today (system_owners.csv)"),
    (TEAMS_WITHOUT_CALENDAR, "team {} ({}) has no calendar (teams.csv, calendars.csv)"),
    (TEAMS_WITHOUT_STREAM, "team {} ({}) has no value stream today (team_value_streams.csv)"),
)

# What names something that has not landed: words, its table, the key, the table that lacks it.
ORPHANS = (
    ("reviews", "change_reviews", "change_key", "changes", "changes"),
    ("commits of changes", "change_commits", "change_key", "changes", "changes"),
    ("commits of changes", "change_commits", "commit_key", "commits", "commits"),
    ("status changes", "work_item_transitions", "work_item_id", "work_items", "work items"),
    ("deployed commits", "deployment_commits", "deployment_id", "deployments", "deployments"),
)

NOT_MEASURABLE = """
with lacking as (
    select
        series.metric_key, series.slice, series.slice_value,
        list(capabilities.capability order by capabilities.capability) as missing
    from (
        select distinct metric_key, slice, slice_value, needs from flowgrain_seeds.metric_series
    ) as series
    inner join flowgrain_vault.int_capabilities as capabilities
        on list_contains(string_split(series.needs, '|'), capabilities.capability)
    where not capabilities.is_delivered
    group by all
),

by_slice as (
    select
        metric_key, slice, missing,
        slice || ' ' || string_agg(slice_value, ', ' order by slice_value) as slice_values
    from lacking
    group by metric_key, slice, missing
)

select
    metric_key,
    string_agg(case slice when 'all' then 'all' else slice_values end, '; ' order by slice),
    missing
from by_slice
group by metric_key, missing
order by metric_key, missing
"""

Vault = duckdb.DuckDBPyConnection


def examine(home: Home) -> dict[str, list[str]]:
    """Look at the vault without changing it; lines by section, no line where all is well.

    They hold names of the organisation and counts, never a value of a row or a person.
    """
    if not home.vault.exists():
        raise _nothing_landed()
    with read_vault(home) as vault:
        relations = set(
            _rows(vault, "select table_schema, table_name from information_schema.tables")
        )
        if ("door", "loads") not in relations or not _rows(vault, "from door.loads limit 1"):
            raise _nothing_landed()
        # Rows in quarantine are asked for right after a landing, when no model was built yet.
        unbuilt = None if relations >= BUILT else ["not known yet: run `flowgrain build` first"]
        return {
            "Not built": _not_built(home, vault),
            "Not mapped": unbuilt or _unmapped(vault),
            "Freshness": _freshness(vault),
            "Quarantined": _quarantined(home, vault),
            "Orphans": unbuilt or _orphans(vault),
            "Not measurable": unbuilt or _not_measurable(vault),
        }


def _not_built(home: Home, vault: Vault) -> list[str]:
    """What landed since the last build is in none of what stands below."""
    results = home.target / "run_results.json"
    built = results.stat().st_mtime if results.exists() else 0.0
    return [
        f"{source}, {_shown(connection)}: landed since the last build; run `flowgrain build`"
        for source, connection, landed_at in _rows(
            vault,
            """
            select loads.source, loads.connection, max(loads.landed_at)
            from door.loads as loads
            inner join door.load_counts as counts on loads.load_id = counts.load_id
            where counts.rows_inserted + counts.rows_updated + counts.rows_removed > 0
            group by loads.source, loads.connection
            order by all
            """,
        )
        if landed_at.replace(tzinfo=UTC).timestamp() > built
    ]


def _nothing_landed() -> FlowgrainError:
    return FlowgrainError(
        "Nothing has landed yet", "Run `flowgrain land demo`, or land your own sources first"
    )


def _rows(vault: Vault, query: str) -> list[tuple[Any, ...]]:
    return vault.execute(query).fetchall()


def _unmapped(vault: Vault) -> list[str]:
    return [
        line.format(*(_shown(value) for value in row))
        for query, line in UNMAPPED
        for row in _rows(vault, query)
    ]


def _shown(value: object) -> object:
    """A name from a source must not steer the terminal."""
    if isinstance(value, str) and not value.isprintable():
        return value.encode("unicode_escape").decode("ascii")
    return value


def _freshness(vault: Vault) -> list[str]:
    """Every source with its mark; of its connections, those that hold the others back."""
    rows = _rows(
        vault,
        "select source, connection, loaded_to, landed_at from door.connections "
        "where loaded_to is not null order by all",
    )
    by_source: dict[str, list[tuple[str, datetime, datetime]]] = defaultdict(list)
    for source, connection, loaded_to, landed_at in rows:
        by_source[source].append((connection, loaded_to, landed_at))
    furthest = max((loaded_to for _, _, loaded_to, _ in rows), default=datetime.min)
    now = datetime.now(UTC).replace(tzinfo=None)
    lines = []
    for source, connections in by_source.items():
        oldest = min(loaded_to for _, loaded_to, _ in connections)
        landed_at = min(landed_at for *_, landed_at in connections)
        age = (now - landed_at).days
        many = f" {len(connections)} connections," if len(connections) > 1 else ""
        landed = f"{_days(age)} ago" if age else "today"
        line = f"{source}:{many} loaded to {oldest:%Y-%m-%d %H:%M} UTC, landed {landed}"
        if stale_sources({source: landed_at}, now):
            line += f"; stale, for that is over {_days(windows()[source].error_after.days)}"
        lines.append(line)
        for connection, loaded_to, _ in connections:
            if behind := (furthest - loaded_to).days:
                lines.append(
                    f"{source}, {_shown(connection)}: {_days(behind)} behind the furthest; "
                    f"no week after {loaded_to:%Y-%m-%d} closes until it is landed anew "
                    "or disconnected"
                )
    return lines


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number:,} days"


def _quarantined(home: Home, vault: Vault) -> list[str]:
    rows = _rows(
        vault,
        f"""
        select
            entity, origin, field, reason, count(*) as found,
            list(row_number order by load_id desc, row_number)
                filter (where row_number is not null)[:{SHOWN + 1}] as row_numbers,
            list_reverse_sort(list(distinct load_id))[:{SHOWN + 1}] as loads
        from door.quarantine
        -- A file that came again counts as it is now; a history comes in pieces that all count.
        where load_id not in (
            select load_id from door.loads
            where source = 'files'
            qualify load_id < max(load_id) over (partition by connection, origin)
        )
        group by entity, origin, field, reason
        order by entity, origin, found desc, field, reason
        """,
    )
    lines = []
    for entity, origin, field, reason, found, row_numbers, loads in rows:
        where = f", {field}" if field else ""
        numbers = f"rows {_first(row_numbers)}; " if row_numbers else ""
        lines.append(
            f"{entity}, {_shown(origin)}{where}: {found:,} {reason} ({numbers}load {_first(loads)})"
        )
    if lines:
        folder = home.door / "quarantine"
        lines.append(
            f"What these rows hold lies in {folder}, a file per load, for you alone; "
            "`flowgrain replay` reads them again"
        )
    return lines


def _first(numbers: list[int]) -> str:
    shown = [str(number) for number in numbers[:SHOWN]]
    return ", ".join([*shown, "…"] if len(numbers) > SHOWN else shown)


def _orphans(vault: Vault) -> list[str]:
    lines = []
    for words, child, key, parent, what in ORPHANS:
        [(total, orphans, parents)] = _rows(
            vault,
            f"""
            select
                count(*),
                count(*) filter (where parents.{key} is null),
                count(distinct children.{key}) filter (where parents.{key} is null)
            from flowgrain_vault.stg_canonical__{child} as children
            left join flowgrain_vault.stg_canonical__{parent} as parents using ({key})
            where children.{key} is not null
            """,
        )
        if orphans:
            lines.append(
                f"{orphans:,} of {total:,} {words} name what has not landed ({what}: {parents:,})"
            )
    return lines


def _not_measurable(vault: Vault) -> list[str]:
    delivered = dict(_rows(vault, "select * from flowgrain_vault.int_capabilities"))
    if not delivered.get("changes"):
        return [f"No metric has data. {CAPABILITIES['changes']}"]
    lines = []
    for metric, slices, missing in _rows(vault, NOT_MEASURABLE):
        needed = " and ".join(CAPABILITIES[capability].words for capability in missing)
        lines.append(f"{metric} ({slices}) needs to know {needed}")
    lines += [str(CAPABILITIES[c]) for c, is_delivered in delivered.items() if not is_delivered]
    return lines
