"""Published incident reports against the canonical events, to the minute."""

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest
from outside import build

from orchestration.home import Home
from orchestration.landing.git import land_git

ROOT = Path(__file__).parents[2]
REPORTS = ROOT.parent / "shared" / "data" / "incidents"
REPORT = REPORTS / "pypi_cross_check.json"
POSTS = REPORTS / "jenkins_infra_status.parquet"
NAME, STATUS = "pypi/warehouse", "jenkins-infra/status"
# After the last post.
LOADED_TO = datetime(2026, 7, 1, tzinfo=UTC)

pytestmark = pytest.mark.skipif(
    not REPORT.exists(), reason="the incident reports are not part of the repository"
)


class Post(NamedTuple):
    """What a status page said of one trouble."""

    incident_id: str
    severity: str
    started_at: str
    resolved_at: str


@pytest.fixture(scope="module")
def posts() -> list[Post]:
    """Every post, announced work among them: what ends before it starts is in both."""
    columns = ", ".join(Post._fields)
    return [Post(*row) for row in duckdb.sql(f"select {columns} from '{POSTS}'").fetchall()]


def git(folder: Path, *arguments: str, at: str = "") -> str:
    """Run git at a moment, out of reach of the machine's own configuration."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{role}_NAME": "Ada Example", f"GIT_{role}_DATE": at}
        environment |= {f"GIT_{role}_EMAIL": "ada@index.invalid"}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def history(folder: Path, report: dict[str, Any]) -> tuple[str, str]:
    """A repository with the fault and its squashed fix at their times; the hashes of both."""
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    hashes = []
    for message, at in (
        ("Add teams to organizations", f"{report['introduced']}T12:00:00Z"),
        (f"Check the team's role (#{report['fix_pr']})", report["git_says"]["committed_at"]),
    ):
        git(folder, "commit", "-q", "--allow-empty", "-m", message, at=at)
        hashes.append(git(folder, "rev-parse", "HEAD"))
    fault, fix = hashes
    return fault, fix


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """What the report says."""
    [told] = json.loads(REPORT.read_text())
    return dict(told)


@pytest.fixture(scope="module")
def vault(
    report: dict[str, Any], posts: list[Post], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The change as git tells it; deployments and incidents, which it cannot tell, as files."""
    folder = tmp_path_factory.mktemp("outside")
    fault, fix = history(folder / "clone", report)
    land_git(Home(folder / "home"), [folder / "clone"], name=NAME, loaded_to=LOADED_TO)
    events = {
        # What brought the fault in was deployed two years before.
        "deployments": (
            "deployment_id,repository,environment,result,commit_sha,finished_at",
            f"cause,{NAME},production,success,{fault},{report['introduced']}T12:00:00Z",
            f"fix,{NAME},production,success,{fix},{report['fix_deployed_at']}",
        ),
        "incidents": (
            "incident_id,repository,severity,opened_at,resolved_at",
            f"report,{NAME},,{report['reported_at']},{report['fix_deployed_at']}",
            *(
                f"{post.incident_id},{STATUS},{post.severity},{post.started_at},{post.resolved_at}"
                for post in posts
            ),
        ),
        "extract": ("loaded_to", f"{LOADED_TO:%FT%TZ}"),
    }
    with build(folder, events, [NAME, STATUS]) as connection:
        yield connection


def test_merge_to_deployment_is_as_the_report_says(
    vault: duckdb.DuckDBPyConnection, report: dict[str, Any]
) -> None:
    """From the second of the merge in git, by the commit that the deployment names."""
    told = vault.execute(
        """
        select change_id, strftime(merged_at, '%Y-%m-%dT%H:%M:%SZ'), link_method,
            date_diff('minute', merged_at, deployed_at)
        from int_change_lives
        join stg_canonical__changes using (change_key, merged_at)
        join int_change_deployments using (change_key, deployed_at)
        """
    ).fetchall()
    minutes = report["expected"]["merge_to_deploy_minutes"]
    merged_at = report["git_says"]["committed_at"]
    assert told == [(str(report["fix_pr"]), merged_at, "commit", minutes)]


def test_report_to_restore_is_as_the_report_says(
    vault: duckdb.DuckDBPyConnection, report: dict[str, Any]
) -> None:
    """From what was reported to what was restored, which is when the change of git was out."""
    told = vault.execute(
        """
        select
            date_diff('minute', opened_at, resolved_at), date_diff('minute', opened_at, deployed_at)
        from int_incidents cross join int_change_lives
        where incident_id = 'report'
        """
    ).fetchall()
    minutes = report["expected"]["report_to_restore_minutes"]
    assert told == [(minutes, minutes)]


def test_an_incident_years_after_the_last_deployment_fails_none(
    vault: duckdb.DuckDBPyConnection,
) -> None:
    """Least of all the one that repaired it; a peer that takes the last one before would say so."""
    links = vault.execute("select incident_id, link_method from int_incident_links").fetchall()
    assert links == [("report", "nearest")]
    failed = vault.execute("select is_failed from int_deployment_outcomes").fetchall()
    assert failed == [(False,), (False,)]


def test_an_incident_that_ends_before_it_starts_stays_and_has_no_end(
    vault: duckdb.DuckDBPyConnection, posts: list[Post]
) -> None:
    """Eight of 297 posts; every other one keeps both its times."""
    told = vault.execute(
        """
        select
            incident_id, is_order_repaired, strftime(opened_at, '%Y-%m-%dT%H:%M:%SZ'),
            strftime(resolved_at, '%Y-%m-%dT%H:%M:%SZ')
        from int_incidents where incident_id != 'report'
        """
    ).fetchall()
    backwards = {post for post in posts if post.resolved_at < post.started_at}
    assert (len(posts), len(backwards)) == (297, 8)
    assert sorted(told) == sorted(
        (p.incident_id, p in backwards, p.started_at, None if p in backwards else p.resolved_at)
        for p in posts
    )
    assert vault.execute("select count(*) from door.quarantine").fetchall() == [(0,)]
