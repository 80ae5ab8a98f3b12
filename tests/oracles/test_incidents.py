"""A published incident report against the canonical events, to the minute."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from outside import build

ROOT = Path(__file__).parents[2]
REPORT = ROOT.parent / "shared" / "data" / "incidents" / "pypi_cross_check.json"

pytestmark = pytest.mark.skipif(
    not REPORT.exists(), reason="the incident reports are not part of the repository"
)


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """What the report says."""
    [told] = json.loads(REPORT.read_text())
    return dict(told)


@pytest.fixture(scope="module")
def vault(
    report: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Landed through the contract and built."""
    sha = report["git_says"]["merge_sha"]
    events = {
        "changes": (
            "repository,change_id,author,merged_at,merge_commit",
            f"pypi/w,{report['fix_pr']},ada@index.invalid,{report['fix_merged_at']},{sha}",
        ),
        # The change that brought the fault in was deployed two years before.
        "deployments": (
            "deployment_id,repository,environment,result,commit_sha,finished_at",
            f"cause,pypi/w,production,success,,{report['introduced']}T12:00:00Z",
            f"fix,pypi/w,production,success,{sha},{report['fix_deployed_at']}",
        ),
        "incidents": (
            "incident_id,repository,opened_at,resolved_at",
            f"report,pypi/w,{report['reported_at']},{report['fix_deployed_at']}",
        ),
        "extract": ("loaded_to", "2025-07-01T00:00:00Z"),
    }
    with build(tmp_path_factory.mktemp("outside"), events, ["pypi/w"]) as connection:
        yield connection


def test_merge_to_deployment_is_as_the_report_says(
    vault: duckdb.DuckDBPyConnection, report: dict[str, Any]
) -> None:
    """By the commit that the deployment names."""
    [(minutes,)] = vault.execute(
        "select date_diff('minute', merged_at, deployed_at) from int_change_lives"
    ).fetchall()
    assert minutes == report["expected"]["merge_to_deploy_minutes"]


def test_report_to_restore_is_as_the_report_says(
    vault: duckdb.DuckDBPyConnection, report: dict[str, Any]
) -> None:
    """From what was reported to what was restored."""
    [(minutes,)] = vault.execute(
        "select date_diff('minute', opened_at, resolved_at) from int_incidents"
    ).fetchall()
    assert minutes == report["expected"]["report_to_restore_minutes"]


def test_an_incident_years_after_the_last_deployment_fails_none(
    vault: duckdb.DuckDBPyConnection,
) -> None:
    """Least of all the one that repaired it; a peer that takes the last one before would say so."""
    methods = vault.execute("select link_method from int_incident_links").fetchall()
    assert methods == [("nearest",)]
    failed = vault.execute("select is_failed from int_deployment_outcomes").fetchall()
    assert failed == [(False,), (False,)]
