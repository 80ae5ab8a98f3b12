"""Every case of issue-metrics' own tests, landed here and told by its rules from our events.

Where our model has a rule of its own for the same thing it says the same; what it has no rule for
is named in docs/definitions-compared.md.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from outside import build

CASES = Path(__file__).parents[3] / "shared" / "oracles" / "issue_metrics" / "cases.json"
KNOWN = json.loads(CASES.read_text()) if CASES.exists() else []

pytestmark = pytest.mark.skipif(
    not CASES.exists(), reason="the cases of issue-metrics are not part of the repository"
)

Case = dict[str, Any]
Rows = Iterator[tuple[str, str]]

HEADERS = {
    "changes": "repository,change_id,author,opened_at,merged_at",
    "change_reviews": ("repository,change_id,review_id,kind,reviewer,reviewer_is_bot,submitted_at"),
    "work_items": "work_item_id,created_at,resolved_at",
    "work_item_transitions": "work_item_id,status,changed_at",
}
TOLD: set[str] = set()


def told(metric: str) -> pytest.MarkDecorator:
    """A test per case of a metric."""
    TOLD.add(metric)
    chosen = [(number, case) for number, case in enumerate(KNOWN) if case["metric"] == metric]
    return pytest.mark.parametrize(
        ("number", "case"), chosen, ids=[case["case"].replace(" ", "_") for _, case in chosen]
    )


def utc(moment: str) -> str:
    """Their days have no time."""
    return moment if "T" in moment else f"{moment}T00:00:00Z"


def of_responses(repository: str, case: Case) -> Rows:
    """A change and who answered; whom they are told to ignore is no person to us."""
    yield "changes", f"{repository},1,{case['author']},{case['created_at']},"
    answers = case["issue_comments"] + case["reviews"]
    for index, answer in enumerate(answers):
        user = answer["user"]
        nobody = "true" if answer["bot"] or user in case["ignored_users"] else "false"
        yield "change_reviews", f"{repository},1,{index},commented,{user},{nobody},{answer['at']}"
    if ready := case["ready_for_review_at"]:
        yield "change_reviews", f"{repository},1,ready,ready_for_review,,,{ready}"


def of_drafts(repository: str, case: Case) -> Rows:
    """A change that becomes a draft, and ready; when it was opened is not always told."""
    yield "changes", f"{repository},1,ada,{case['created_at'] or ''},"
    for index, event in enumerate(case["events"]):
        kind = event["event"].replace("convert_to_draft", "converted_to_draft")
        yield "change_reviews", f"{repository},1,{index},{kind},ada,,{event['at']}"


def of_labels(repository: str, case: Case) -> Rows:
    """An item has one status and many labels: so each label is a status of an item of its own."""
    for label in {event["label"] for event in case["events"]}:
        opened, closed = utc(case["created_at"]), utc(case["closed_at"])
        yield "work_items", f"{repository}:{label},{opened},{closed}"
    for event in case["events"]:
        item = f"{repository}:{event['label']}"
        yield "work_item_transitions", f"{item},{event['event']},{utc(event['at'])}"


def of_merges(repository: str, case: Case) -> Rows:
    """A merged change."""
    yield "changes", f"{repository},1,ada,{case['created_at']},{case['merged_at']}"


def of_comments(repository: str, case: Case) -> Rows:
    """Changes with as many comments."""
    for change, count in enumerate(case["values"]):
        yield "changes", f"{repository},{change},ada,2021-01-01T00:00:00Z,"
        for index in range(count):
            comment = f"{index},commented,bo,false,2021-01-02T00:00:00Z"
            yield "change_reviews", f"{repository},{change},{comment}"


LANDED_AS: dict[str, Callable[[str, Case], Rows]] = {
    "time_to_first_response": of_responses,
    "time_in_draft": of_drafts,
    "time_in_label": of_labels,
    "time_to_merge": of_merges,
    "percentile_stats": of_comments,
}


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """All cases at once, each in a repository of its own."""
    events = {entity: [header] for entity, header in HEADERS.items()}
    repositories = [f"outside/{number}" for number, _ in enumerate(KNOWN)]
    for repository, case in zip(repositories, KNOWN, strict=True):
        for entity, line in LANDED_AS[case["metric"]](repository, case):
            events[entity].append(line)
    events["extract"] = ["loaded_to", "2023-02-01T00:00:00Z"]
    with build(tmp_path_factory.mktemp("outside"), events, repositories) as connection:
        connection.execute("create temp macro seconds(a, b) as epoch(b) - epoch(a)")
        yield connection


def one(vault: duckdb.DuckDBPyConnection, query: str, **values: Any) -> Any:
    """The only value of a query."""
    [(value,)] = vault.execute(query, values).fetchall()
    return value


@told("time_to_first_response")
def test_first_response(vault: duckdb.DuckDBPyConnection, number: int, case: Case) -> None:
    """From opened, or ready, to the first word of a person who did not open it."""
    change = f"outside/{number}!1"
    theirs = """
    with events as (
        select
            *,
            coalesce(
                max(submitted_at) filter (where kind = 'ready_for_review') over (), opened_at
            ) as clock_from
        from stg_canonical__change_reviews
        inner join stg_canonical__changes using (change_key)
        where change_key = $change
    )
    select min(seconds(clock_from, submitted_at))
    from events
    where kind = 'commented'
        and not reviewer_is_bot
        and reviewer_key is distinct from author_key
        and submitted_at >= clock_from
    """
    ours = """
    select seconds(ready_at, first_review_at)
    from int_change_boundaries where change_key = $change
    """
    assert one(vault, theirs, change=change) == case["expected_seconds"]
    assert one(vault, ours, change=change) == case["expected_seconds"]


@told("time_in_draft")
def test_time_in_draft(vault: duckdb.DuckDBPyConnection, number: int, case: Case) -> None:
    """Until it is ready, or now while it is open; what first becomes ready was opened as draft."""
    theirs = """
    with turns as (
        select
            changes.opened_at,
            case when changes.closed_at is null then cast($as_of as timestamp) end as still,
            events.kind,
            events.submitted_at,
            row_number() over (order by events.submitted_at) as number,
            lead(events.submitted_at) over (order by events.submitted_at) as next_at
        from stg_canonical__changes as changes
        inner join stg_canonical__change_reviews as events using (change_key)
        where change_key = $change
            and events.kind in ('ready_for_review', 'converted_to_draft')
    )
    select sum(
        case
            when kind = 'converted_to_draft' then seconds(submitted_at, coalesce(next_at, still))
            when number = 1 then seconds(opened_at, submitted_at)
        end
    )
    from turns
    """
    change = f"outside/{number}!1"
    assert one(vault, theirs, change=change, as_of=case["as_of"]) == case["expected_seconds"]
    if case["created_at"]:
        ours = """
        select seconds(changes.opened_at, bounds.ready_at)
        from int_change_boundaries as bounds
        inner join stg_canonical__changes as changes using (change_key)
        where change_key = $change
        """
        assert one(vault, ours, change=change) == case["expected_seconds"]


@told("time_in_label")
def test_time_in_label(vault: duckdb.DuckDBPyConnection, number: int, case: Case) -> None:
    """Intervals of a status, up to the close; what comes after it is none."""
    found = vault.execute(
        """
        select
            split_part(work_item_id, ':', 2) as label,
            sum(seconds(
                statuses.entered_at, least(coalesce(statuses.left_at, resolved_at), resolved_at)
            ))
        from int_work_item_statuses as statuses
        inner join stg_canonical__work_items as items using (work_item_id)
        where starts_with(work_item_id, ? || ':')
            and statuses.status = 'labeled'
            and statuses.entered_at < items.resolved_at
        group by label
        """,
        [f"outside/{number}"],
    )
    assert dict(found.fetchall()) == case["expected_seconds"]


@told("time_to_merge")
def test_time_to_merge(vault: duckdb.DuckDBPyConnection, number: int, case: Case) -> None:
    """From opened to merged."""
    theirs = "select seconds(opened_at, merged_at) from stg_canonical__changes"
    ours = "select seconds(ready_at, merged_at) from int_change_boundaries"
    for rule in (theirs, ours):
        found = one(vault, f"{rule} where change_key = $change", change=f"outside/{number}!1")
        assert found == case["expected_seconds"]


@told("percentile_stats")
def test_statistics(vault: duckdb.DuckDBPyConnection, number: int, case: Case) -> None:
    """Between two values a percentile is interpolated, as macros/percentile.sql does."""
    found = vault.execute(
        """
        with counted as (
            select change_key, count(*) as comments
            from int_human_reviews
            inner join stg_canonical__changes using (change_key)
            where repository = ?
            group by change_key
        )
        select
            avg(comments),
            percentile_cont(0.5) within group (order by comments),
            percentile_cont(0.9) within group (order by comments)
        from counted
        """,
        [f"outside/{number}"],
    )
    assert found.fetchall() == [tuple(case["expected"][key] for key in ("avg", "med", "p90"))]


def test_every_case_is_told() -> None:
    assert {case["metric"] for case in KNOWN} == TOLD
