"""Incidents and deployments of middleware's own tests, landed here and told by its rules.

Its rule: an incident belongs to the last deployment before it, however long ago. Ours asks for
evidence (docs/definitions-compared.md); so what is compared are the canonical events.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from outside import build

CASES = Path(__file__).parents[3] / "shared" / "oracles" / "middleware" / "cases.json"
RATE = "IncidentService.get_change_failure_rate_metrics"
MAP = "IncidentService.get_deployment_incidents_map"

pytestmark = pytest.mark.skipif(
    not CASES.exists(), reason="the cases of middleware are not part of the repository"
)


def cases(*functions: str) -> list[tuple[str, dict[str, Any]]]:
    """Cases of some functions, each with a repository of its own."""
    known = json.loads(CASES.read_text()) if CASES.exists() else []
    chosen = [case for case in known if case["function"] in functions]
    return [(f"outside/{number}", case) for number, case in enumerate(chosen)]


CHOSEN = cases(RATE, MAP)


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """All cases at once, side by side."""
    deployments = ["deployment_id,repository,environment,result,finished_at"]
    incidents = ["incident_id,repository,opened_at,resolved_at"]
    changes = ["repository,change_id,author,merged_at"]
    for repository, case in CHOSEN:
        changes.append(f"{repository},1,ada@outside.invalid,2024-06-01T00:00:00Z")
        told, happened = case["inputs"]
        deployments += [
            f"{repository}:{d['deployment_id']},{repository},production,"
            f"{d['status'].lower()},{d['conducted_at']}"
            for d in told
        ]
        incidents += [
            f"{repository}:{number},{repository},{i['created_at']},{i['resolved_at']}"
            for number, i in enumerate(happened)
        ]
    events = {
        "changes": changes,
        "deployments": deployments,
        "incidents": incidents,
        "extract": ["loaded_to", "2024-07-31T00:00:00Z"],
    }
    with build(
        tmp_path_factory.mktemp("outside"), events, [repository for repository, _ in CHOSEN]
    ) as connection:
        yield connection


def by_their_rule(vault: duckdb.DuckDBPyConnection, repository: str) -> dict[str, list[str]]:
    """Deployments of a case, each with the incidents whose last deployment it is."""
    rows = vault.execute(
        """
        with cases as (
            select distinct system_key from int_deployment_parts
            where starts_with(deployment_id, ? || ':')
        ),

        placed as (
            select
                incidents.incident_id,
                max_by(deployments.deployment_key, deployments.finished_at) as deployment_key
            from int_incidents as incidents
            inner join int_deployments as deployments
                on incidents.system_key = deployments.system_key
                and incidents.opened_at > deployments.finished_at
            group by incidents.incident_id
        )

        select parts.deployment_id, list(placed.incident_id order by placed.incident_id)
            filter (where placed.incident_id is not null)
        from int_deployment_parts as parts
        inner join cases on parts.system_key = cases.system_key
        left join placed on parts.deployment_key = placed.deployment_key
        group by parts.deployment_id
        """,
        [repository],
    ).fetchall()
    return {key.rpartition(":")[2]: incidents or [] for key, incidents in rows}


@pytest.mark.parametrize(
    ("repository", "case"), CHOSEN, ids=[c["test"].rpartition("::")[2] for _, c in CHOSEN]
)
def test_events_give_what_middleware_says(
    vault: duckdb.DuckDBPyConnection, repository: str, case: dict[str, Any]
) -> None:
    """By its own rule, from our events."""
    found = by_their_rule(vault, repository)
    expected = case["expected"]
    if case["function"] == RATE:
        assert sorted(found) == sorted(expected["total"])
        assert sorted(key for key, incidents in found.items() if incidents) == sorted(
            expected["failed"]
        )
    else:
        numbers = {d["deployment_id"]: len(incidents) for d, incidents in expected}
        assert {key: len(incidents) for key, incidents in found.items()} == numbers
