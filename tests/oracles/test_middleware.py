"""Every case of middleware's own tests, landed here and told by its rules from our events.

Where our model has a rule of its own for the same thing, its figure stands beside theirs. It is the
same but for what `OURS` names; why is said in docs/definitions-compared.md.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest
from outside import build

CASES = Path(__file__).parents[3] / "shared" / "oracles" / "middleware" / "cases.json"
KNOWN = json.loads(CASES.read_text()) if CASES.exists() else []

pytestmark = pytest.mark.skipif(
    not CASES.exists(), reason="the cases of middleware are not part of the repository"
)

Case = dict[str, Any]
Rows = Iterator[tuple[str, Sequence[str | None]]]

HEADERS = {
    "changes": "repository,change_id,author,opened_at,merged_at,closed_at,merge_commit",
    "change_reviews": "repository,change_id,review_id,kind,reviewer,submitted_at",
    "commits": "repository,commit_sha,author,authored_at,committed_at",
    "change_commits": "repository,change_id,commit_sha",
    "deployments": "deployment_id,repository,environment,result,commit_sha,finished_at",
    "deployment_commits": "deployment_id,repository,commit_sha",
    "incidents": "incident_id,repository,opened_at,resolved_at",
}
STAGES = ("first_review_time", "rework_time", "merge_time", "cycle_time")
# What our own rules say where they do not say the same.
OURS: dict[str, Any] = {
    # The deployment 28 hours before its incident is beyond the window.
    "get_change_failure_rate_for_multi_incidents_multi_deployments": ["d2", "d3", "d5"],
    # Who merges without a review waits for the merge from ready on.
    "pr_performance_returns_merge_time_minus1_for_merged_pr_without_review": {"merge_time": 1800},
    "pr_performance_returns_cycle_time_for_merged_pr": {"merge_time": 86400},
    "cycle_time_uses_ready_for_review_when_available": {"merge_time": 86400},
    # It is ready when it was last made so before its first review.
    "cycle_time_uses_earliest_ready_for_review_when_multiple": {
        "merge_time": 75600,
        "cycle_time": 75600,
    },
    # It is approved by the last approval before the merge; until the merge nobody knows which.
    "pr_performance_returns_rework_time_as_per_first_approved_prs": {
        "rework_time": 7200,
        "merge_time": 0,
    },
    "first_response_time_falls_back_to_created_at_when_no_ready_for_review": {"rework_time": -1},
    # Rounds end there too, and with the last review where nobody approved.
    "rework_cycles_returs_1_for_multiple_approvals": 2,
    "rework_cycles_returns_0_for_unapproved_pr": 2,
}
TOLD: set[str] = set()


def name(case: Case) -> str:
    return str(case["test"].rpartition("::test_")[2])


def function(case: Case) -> str:
    return str(case["function"].rpartition(".")[2])


def told(*functions: str) -> pytest.MarkDecorator:
    """A test per case of some functions."""
    TOLD.update(functions)
    chosen = [(number, case) for number, case in enumerate(KNOWN) if function(case) in functions]
    return pytest.mark.parametrize(
        ("number", "case"), chosen, ids=[name(case) for _, case in chosen]
    )


def of_operations(repository: str, inputs: Any) -> Rows:
    """Deployments and incidents; an interval is no event."""
    for happened in (value for value in inputs if isinstance(value, list)):
        for index, event in enumerate(happened):
            if event["kind"] == "deployment":
                key, result = f"{repository}:{event['deployment_id']}", event["status"].lower()
                at = event["conducted_at"]
                yield "deployments", (key, repository, "production", result, None, at)
            else:
                key = f"{repository}:{index}"
                yield "incidents", (key, repository, event["created_at"], event["resolved_at"])


def of_a_review(repository: str, inputs: Any) -> Rows:
    """A change as told, and as `2` so that our rules have something to say of it.

    Their authors review themselves where there are no commits, and where there are the change is
    still open: ours takes neither, so `2` has another reviewer or is merged at its last event.
    """
    change, events, commits = inputs if len(inputs) == 3 else (*inputs, [])
    author, opened = change["author"], change["created_at"]
    merged = change["state_changed_at"] if change["state"] == "MERGED" else None
    last = max((event["created_at"] for event in (*events, *commits)), default=None)
    for change_id in ("1", "2"):
        ended = last if change_id == "2" and commits else merged
        yield "changes", (repository, change_id, author, opened, ended, ended, None)
        for index, event in enumerate(events):
            kind = event["state"] if event["type"] == "REVIEW" else event["type"].lower()
            actor = "another" if change_id == "2" and not commits else event["actor"]
            at = event["created_at"]
            yield "change_reviews", (repository, change_id, str(index), kind, actor, at)
        for commit in commits:
            yield "change_commits", (repository, change_id, commit["commit_id"])
    for commit in commits:
        at = commit["created_at"]
        yield "commits", (repository, commit["commit_id"], author, at, at)


def of_lead_times(repository: str, inputs: Any) -> Rows:
    """Changes that took as long, stage by stage, as the averages that are averaged there."""
    opened = datetime(2024, 6, 30, 12)
    spans = ("first_response_time", "rework_time", "merge_time", "merge_to_deploy")
    each = [stage for stage in inputs[0] for _ in range(stage["pr_count"])]
    for number, stage in enumerate(each):
        moments = accumulate((timedelta(seconds=stage[span]) for span in spans), initial=opened)
        at = [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in moments]
        begun = f"{opened - timedelta(seconds=stage['first_commit_to_open']):%Y-%m-%dT%H:%M:%SZ}"
        change_id, work, merge = str(number), f"work-{number}", f"merge-{number}"
        yield "changes", (repository, change_id, "ada", at[0], at[3], at[3], merge)
        yield "commits", (repository, work, "ada", begun, begun)
        yield "change_commits", (repository, change_id, work)
        yield "change_reviews", (repository, change_id, "1", "commented", "bo", at[1])
        yield "change_reviews", (repository, change_id, "2", "approved", "bo", at[2])
        key = f"{repository}:{number}"
        yield "deployments", (key, repository, "production", "success", merge, at[4])


def of_branches(repository: str, inputs: Any) -> Rows:
    """What git says of merged branches: theirs have names and times, the contract has commits."""
    changes, run = inputs
    held: dict[str, set[str]] = defaultdict(lambda: {"root"})
    shipped = {"root"}
    for change in sorted(changes, key=lambda change: change["state_changed_at"]):
        key, at = change["pr_id"], change["state_changed_at"]
        merged = at if change["state"] == "MERGED" else None
        ended = at if change["state"] != "OPEN" else None
        merge = f"merge-{key}" if merged else None
        opened = change["created_at"]
        yield "changes", (repository, key, change["author"], opened, merged, ended, merge)
        if merge:
            base, head = held[change["base_branch"]], held[change["head_branch"]]
            head.add(f"work-{key}")
            for sha in sorted(head - base):
                yield "change_commits", (repository, key, sha)
            base |= head | {merge}
        if at <= run["conducted_at"]:
            shipped = set(held[run["head_branch"]])
    key, result = f"{repository}:{run['run_id']}", run["status"].lower()
    yield "deployments", (key, repository, "production", result, None, run["conducted_at"])
    for sha in sorted(shipped):
        yield "deployment_commits", (key, repository, sha)


LANDED_AS: dict[str, Callable[[str, Any], Rows]] = {
    "get_pr_performance": of_a_review,
    "get_rework_cycles": of_a_review,
    "_get_avg_time": of_lead_times,
    "_get_weighted_avg_lead_time_metrics": of_lead_times,
    "get_all_prs_deployed": of_branches,
}

VIEWS = """
create temp macro seconds(a, b) as epoch(b) - epoch(a);

-- An incident belongs to the last deployment before it, however long ago.
create temp view deployments as
with placed as (
    select
        incidents.incident_id,
        incidents.opened_at,
        max_by(deployments.deployment_key, deployments.finished_at) as deployment_key
    from int_incidents as incidents
    inner join int_deployments as deployments
        on incidents.system_key = deployments.system_key
        and incidents.opened_at >= deployments.finished_at
    group by all
)
select
    parts.system_key,
    parts.finished_at,
    split_part(parts.deployment_id, ':', 2) as deployment_id,
    coalesce(
        list(cast(split_part(placed.incident_id, ':', 2) as int) order by placed.opened_at)
            filter (where placed.incident_id is not null),
        []
    ) as incidents,
    any_value(outcomes.is_failed) as is_failed_by_ours
from int_deployment_parts as parts
inner join int_deployment_outcomes as outcomes using (deployment_key)
left join placed using (deployment_key)
group by all;

create temp view theirs as
with reviews as (
    select
        *,
        kind in ('approved', 'changes_requested', 'commented', 'dismissed') as is_review,
        is_review and kind != 'approved' as is_blocking
    from stg_canonical__change_reviews
),
reviewed as (
    select
        change_key,
        min(submitted_at) filter (where kind = 'ready_for_review') as ready_at,
        min(submitted_at) filter (where is_review) as first_review_at,
        min(submitted_at) filter (where kind = 'approved') as approved_at,
        count(*) filter (where is_blocking) as blocking_reviews,
        -- Theirs takes for approving whatever does not block: also that it became ready.
        count(*) filter (where not is_blocking and kind != 'review_requested')
            as approving_reviews,
        count(*) filter (where kind = 'review_requested') as requested_reviews
    from reviews
    group by change_key
),
begun as (
    select links.change_key, min(commits.authored_at) as begun_at
    from stg_canonical__change_commits as links
    inner join stg_canonical__commits as commits using (commit_key)
    group by links.change_key
),
shipped as (
    select changes.change_key, min(deployments.finished_at) as deployed_at
    from stg_canonical__changes as changes
    inner join int_carried_commits as carried on changes.merge_commit_key = carried.commit_key
    inner join stg_canonical__deployments as deployments using (deployment_id)
    group by changes.change_key
),
told as (
    select *, coalesce(reviewed.ready_at, changes.opened_at) as clock_from
    from stg_canonical__changes as changes
    left join reviewed using (change_key)
    left join begun using (change_key)
    left join shipped using (change_key)
)
select
    repository,
    change_id,
    seconds(begun_at, opened_at) as first_commit_to_open,
    seconds(clock_from, first_review_at) as first_review_time,
    seconds(first_review_at, approved_at) as rework_time,
    case when approved_at <= merged_at then seconds(approved_at, merged_at) end as merge_time,
    seconds(merged_at, deployed_at) as merge_to_deploy,
    seconds(clock_from, merged_at) as cycle_time,
    coalesce(blocking_reviews, 0) as blocking_reviews,
    coalesce(approving_reviews, 0) as approving_reviews,
    coalesce(requested_reviews, 0) as requested_reviews
from told;

create temp view ours as
select
    changes.repository,
    changes.change_id,
    seconds(bounds.first_commit_at, bounds.ready_at) as first_commit_to_open,
    seconds(bounds.ready_at, bounds.first_review_at) as first_review_time,
    seconds(bounds.first_review_at, bounds.approved_at) as rework_time,
    seconds(bounds.approved_at, bounds.merged_at) as merge_time,
    seconds(bounds.merged_at, bounds.deployed_at) as merge_to_deploy,
    seconds(bounds.ready_at, bounds.merged_at) as cycle_time
from int_change_boundaries as bounds
inner join stg_canonical__changes as changes using (change_key);
"""

# Commits that follow a blocking review by somebody else, up to the first approval.
ROUNDS = """
with reviews as (
    select
        reviews.submitted_at,
        reviews.kind,
        min(reviews.submitted_at) filter (where reviews.kind = 'approved') over ()
            as approved_at,
        reviews.reviewer_key is distinct from changes.author_key as is_by_another
    from stg_canonical__change_reviews as reviews
    inner join stg_canonical__changes as changes using (change_key)
    where change_key = $change and reviews.kind != 'ready_for_review'
),
events as (
    select 'review' as kind, submitted_at as happened_at
    from reviews
    where kind != 'approved' and is_by_another and submitted_at <= approved_at
    union all
    select 'commit' as kind, commits.committed_at as happened_at
    from stg_canonical__change_commits as links
    inner join stg_canonical__commits as commits using (commit_key)
    where links.change_key = $change
        and commits.committed_at <= (select max(approved_at) from reviews)
),
followed as (
    select kind, lag(kind) over (order by happened_at, kind) as previous_kind from events
)
select count(*) filter (where kind = 'commit' and previous_kind = 'review') from followed
"""


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """All cases at once, each in a repository of its own."""
    events = {entity: [header] for entity, header in HEADERS.items()}
    repositories = [f"outside/{number}" for number, _ in enumerate(KNOWN)]
    for repository, case in zip(repositories, KNOWN, strict=True):
        land = LANDED_AS.get(function(case), of_operations)
        for entity, values in land(repository, case["inputs"]):
            events[entity].append(",".join(value or "" for value in values))
    events["extract"] = ["loaded_to", "2024-07-31T00:00:00Z"]
    with build(tmp_path_factory.mktemp("outside"), events, repositories) as connection:
        connection.execute(VIEWS)
        yield connection


class Deployment(NamedTuple):
    """A deployment and the places of its incidents in what was told."""

    at: datetime
    key: str
    incidents: list[int]
    is_failed_by_ours: bool


class Recovery(NamedTuple):
    """How long an incident lasted."""

    at: datetime
    seconds: float


def deployments(vault: duckdb.DuckDBPyConnection, number: int) -> list[Deployment]:
    """Of a case, in order."""
    rows = vault.execute(
        "select finished_at, deployment_id, incidents, is_failed_by_ours from deployments "
        "where system_key = ? order by finished_at",
        [f"s_{number}"],
    )
    return [Deployment(*row) for row in rows.fetchall()]


def recoveries(vault: duckdb.DuckDBPyConnection, number: int) -> list[Recovery]:
    """Of a case: incidents that are over."""
    rows = vault.execute(
        "select resolved_at, seconds(opened_at, resolved_at) from int_incidents "
        "where system_key = ? and resolved_at is not null",
        [f"s_{number}"],
    )
    return [Recovery(*row) for row in rows.fetchall()]


def stages(
    vault: duckdb.DuckDBPyConnection, rule: str, number: int, change_id: str = "%"
) -> list[dict[str, Any]]:
    """Changes of a case by their rule or ours; what is not there is -1."""
    found = vault.execute(
        f"select columns(* exclude (repository, change_id)) from {rule} "
        "where repository = ? and change_id like ?",
        [f"outside/{number}", change_id],
    )
    names = [column[0] for column in found.description]
    return [
        {name: -1 if value is None else value for name, value in zip(names, row, strict=True)}
        for row in found.fetchall()
    ]


def starts(unit: str, moment: date) -> date:
    """First day of the day, week or month of a moment; weeks start on Monday."""
    since = {"day": 0, "week": moment.weekday(), "month": moment.day - 1}
    return moment - timedelta(days=since[unit])


def spread(unit: str, interval: dict[str, str], rows: Sequence[Any]) -> dict[str, list[Any]]:
    """Rows by each day, week or month that an interval touches."""
    first, last = (
        datetime.fromisoformat(interval[end]).replace(tzinfo=None)
        for end in ("from_time", "to_time")
    )
    days = (first.date() + timedelta(days=n) for n in range((last.date() - first.date()).days + 1))
    buckets: dict[date, list[Any]] = {starts(unit, day): [] for day in days}
    for row in rows:
        if first <= row.at <= last:
            buckets[starts(unit, row.at.date())].append(row)
    return {f"{day}T00:00:00Z": held for day, held in buckets.items()}


def rate(told: list[Deployment]) -> dict[str, Any]:
    failed = [deployment.key for deployment in told if deployment.incidents]
    return {
        "failed": failed,
        "total": [deployment.key for deployment in told],
        "change_failure_rate": len(failed) / len(told) * 100 if told else 0,
    }


def recovery(told: list[Recovery]) -> dict[str, Any]:
    seconds = [incident.seconds for incident in told]
    return {
        "mean_time_to_recovery_s": sum(seconds) / len(seconds) if seconds else None,
        "incident_count": len(seconds),
    }


def mean(told: list[dict[str, Any]], stage: str) -> float:
    return sum(max(change[stage], 0) for change in told) / len(told) if told else 0


@told("get_change_failure_rate_metrics")
def test_change_fail_rate(vault: duckdb.DuckDBPyConnection, number: int, case: Case) -> None:
    found = deployments(vault, number)
    assert rate(found) == case["expected"]
    ours = [deployment.key for deployment in found if deployment.is_failed_by_ours]
    assert ours == OURS.get(name(case), case["expected"]["failed"])


@told("get_weekly_change_failure_rate")
def test_change_fail_rate_per_week(
    vault: duckdb.DuckDBPyConnection, number: int, case: Case
) -> None:
    weeks = spread("week", case["inputs"][0], deployments(vault, number))
    assert [[week, rate(found)] for week, found in weeks.items()] == case["expected"]
    ours = [[d.key for d in found if d.is_failed_by_ours] for found in weeks.values()]
    assert ours == [week["failed"] for _, week in case["expected"]]


@told("get_deployment_incidents_map")
def test_deployment_of_an_incident(
    vault: duckdb.DuckDBPyConnection, number: int, case: Case
) -> None:
    before, incidents = case["inputs"]
    by_key = {deployment["deployment_id"]: deployment for deployment in before}
    found = deployments(vault, number)
    assert case["expected"] == [[by_key[d.key], [incidents[i] for i in d.incidents]] for d in found]
    assert [d.is_failed_by_ours for d in found] == [bool(d.incidents) for d in found]


@told("_get_incidents_mean_time_to_recovery")
def test_recovery(vault: duckdb.DuckDBPyConnection, number: int, case: Case) -> None:
    assert recovery(recoveries(vault, number)) == case["expected"]


@told("_get_incidents_mean_time_to_recovery_trends")
def test_recovery_per_week(vault: duckdb.DuckDBPyConnection, number: int, case: Case) -> None:
    weeks = spread("week", case["inputs"][1], recoveries(vault, number))
    assert [[week, recovery(found)] for week, found in weeks.items()] == case["expected"]


@told("_get_deployment_frequency_metrics")
def test_deployment_frequency(vault: duckdb.DuckDBPyConnection, number: int, case: Case) -> None:
    """Whole deployments per day, week and month that the interval touches."""
    found = deployments(vault, number)
    per = {}
    for unit in ("day", "week", "month"):
        counts = [len(held) for held in spread(unit, case["inputs"][1], found).values()]
        per[unit] = sum(counts) // len(counts)
    assert case["expected"] == {
        "total_deployments": len(found),
        "daily_deployment_frequency": per["day"],
        "avg_weekly_deployment_frequency": per["week"],
        "avg_monthly_deployment_frequency": per["month"],
    }


@told("_get_weekly_deployment_frequency_trends")
def test_deployments_per_week(vault: duckdb.DuckDBPyConnection, number: int, case: Case) -> None:
    weeks = spread("week", case["inputs"][1], deployments(vault, number))
    assert [[week, len(found)] for week, found in weeks.items()] == case["expected"]


@told("get_pr_performance")
def test_stages_of_a_change(vault: duckdb.DuckDBPyConnection, number: int, case: Case) -> None:
    """What this function leaves to others stays -1."""
    [theirs] = stages(vault, "theirs", number, "1")
    assert dict.fromkeys(case["expected"], -1) | theirs == case["expected"]
    [ours] = stages(vault, "ours", number, "2")
    expected = case["expected"] | OURS.get(name(case), {})
    assert {stage: ours[stage] for stage in STAGES} == {s: expected[s] for s in STAGES}


@told("get_rework_cycles")
def test_review_rounds(vault: duckdb.DuckDBPyConnection, number: int, case: Case) -> None:
    [(theirs,)] = vault.execute(ROUNDS, {"change": f"outside/{number}!1"}).fetchall()
    assert theirs == case["expected"]
    ours = vault.execute(
        "select round_count from int_review_rounds where change_key = ?", [f"outside/{number}!2"]
    ).fetchall()
    assert ours == [(OURS.get(name(case), case["expected"]),)]


@told("_get_avg_time")
def test_mean_of_a_stage(vault: duckdb.DuckDBPyConnection, number: int, case: Case) -> None:
    stage = case["inputs"][1].replace("first_response", "first_review")
    for rule in ("theirs", "ours"):
        assert mean(stages(vault, rule, number), stage) == case["expected"]


@told("_get_weighted_avg_lead_time_metrics")
def test_mean_lead_time(vault: duckdb.DuckDBPyConnection, number: int, case: Case) -> None:
    """Each average weighs as many changes as it was made of: so the changes themselves landed."""
    for rule in ("theirs", "ours"):
        found = stages(vault, rule, number)
        assert case["expected"] == {
            "first_commit_to_open": mean(found, "first_commit_to_open"),
            "first_response_time": mean(found, "first_review_time"),
            "rework_time": mean(found, "rework_time"),
            "merge_time": mean(found, "merge_time"),
            "merge_to_deploy": mean(found, "merge_to_deploy"),
            "pr_count": len(found),
            # A mean has neither.
            "merged_at": None,
            "pr_id": None,
        }


@told("get_all_prs_deployed")
def test_changes_of_a_deployment(vault: duckdb.DuckDBPyConnection, number: int, case: Case) -> None:
    """Theirs walks the names of branches, which never land; so both ask what is carried.

    What their walk would find, a deployment says by the commits that git lists for it.
    """
    expected = sorted((change["pr_id"],) for change in case["expected"])
    for rule in ("theirs", "ours"):
        found = vault.execute(
            f"select change_id from {rule} where repository = ? and merge_to_deploy is not null",
            [f"outside/{number}"],
        )
        assert sorted(found.fetchall()) == expected


def test_every_case_is_told() -> None:
    assert {function(case) for case in KNOWN} == TOLD
