"""Status changes of jirametrics' own tests, landed here and told by its rule.

Its rule: every status but a blocked one is active, between start and end or `as_of`; a block that
began before the start counts as active. Ours calls active what the status map calls so
(docs/definitions-compared.md); what is compared are the canonical status intervals.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from outside import build

CASES = Path(__file__).parents[3] / "shared" / "oracles" / "jirametrics" / "flow_efficiency.json"
TOLD = json.loads(CASES.read_text()) if CASES.exists() else {"cases": [], "settings": {}}

pytestmark = pytest.mark.skipif(
    not CASES.exists(), reason="the cases of jirametrics are not part of the repository"
)


def utc(moment: str) -> str:
    """Their moments have no zone."""
    return f"{moment if 'T' in moment else moment + 'T00:00:00'}Z"


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """An item for each case."""
    items, transitions = ["work_item_id,created_at"], ["work_item_id,status,changed_at"]
    for number, case in enumerate(TOLD["cases"]):
        items.append(f"J-{number},{utc(case['created_at'])}")
        transitions.append(f"J-{number},{case['creation_status']},{utc(case['created_at'])}")
        for change in case["status_changes"]:
            transitions.append(f"J-{number},{change['to']},{utc(change['at'])}")
    events = {
        "work_items": items,
        "work_item_transitions": transitions,
        "extract": ["loaded_to", "2021-01-01T00:00:00Z"],
    }
    with build(tmp_path_factory.mktemp("outside"), events, ["outside/none"]) as connection:
        yield connection


EVERY_CASE = pytest.mark.parametrize(
    ("number", "case"), list(enumerate(TOLD["cases"])), ids=[c["case"] for c in TOLD["cases"]]
)


@EVERY_CASE
def test_intervals_are_those_of_the_case(
    vault: duckdb.DuckDBPyConnection, number: int, case: dict[str, Any]
) -> None:
    """Each status lasts until the next, the last one is open; also where nothing was started."""
    changes = [(case["creation_status"], utc(case["created_at"]))]
    changes += [(change["to"], utc(change["at"])) for change in case["status_changes"]]
    ends = [*(entered_at for _, entered_at in changes[1:]), None]
    told = vault.execute(
        """
        select
            status,
            strftime(entered_at, '%Y-%m-%dT%H:%M:%SZ'),
            strftime(left_at, '%Y-%m-%dT%H:%M:%SZ')
        from int_work_item_statuses
        where work_item_id = ?
        order by entered_at
        """,
        [f"J-{number}"],
    ).fetchall()
    assert told == [(*change, end) for change, end in zip(changes, ends, strict=True)]


@EVERY_CASE
def test_intervals_give_what_jirametrics_says(
    vault: duckdb.DuckDBPyConnection, number: int, case: dict[str, Any]
) -> None:
    """By its own rule, from our intervals."""
    # What never started would do so at the end: no time lies between.
    start = utc(case["started_at"] or case["as_of"])
    end = min(utc(case["stopped_at"] or case["as_of"]), utc(case["as_of"]))
    [(active, total)] = vault.execute(
        """
        with bounds as (
            select cast(? as timestamp) as started_at, cast(? as timestamp) as ended_at
        ),

        told as (
            select
                greatest(statuses.entered_at, bounds.started_at) as entered_at,
                least(coalesce(statuses.left_at, bounds.ended_at), bounds.ended_at) as left_at,
                -- What was blocked on the way to the start, and not from the beginning, is active.
                list_contains(?, statuses.status) and not (
                    statuses.entered_at > items.created_at
                    and statuses.entered_at < bounds.started_at
                ) as is_waiting
            from int_work_item_statuses as statuses
            inner join stg_canonical__work_items as items using (work_item_id)
            cross join bounds
            where work_item_id = ?
        )

        select
            coalesce(sum(epoch(left_at) - epoch(entered_at)) filter (
                where not is_waiting and left_at > entered_at
            ), 0),
            (select epoch(ended_at) - epoch(started_at) from bounds)
        from told
        """,
        [start, end, TOLD["settings"]["waiting_statuses"], f"J-{number}"],
    ).fetchall()
    assert (active, total) == (case["expected_active_seconds"], case["expected_total_seconds"])
