"""DevLake's own end-to-end fixtures, landed as its exports and told from the canonical events.

Where its rule is not ours (docs/definitions-compared.md) the test applies its rule to our events.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration.build import run_dbt
from orchestration.home import Home

CASES = Path(__file__).parents[3] / "shared" / "oracles" / "devlake"

pytestmark = pytest.mark.skipif(
    not CASES.exists(), reason="DevLake's fixtures are not part of the repository"
)


EXPORTS = ("01_lead_time", "04_pipelines_to_deployments", "05_issue_status_history")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """All exports side by side, and staging built on them."""
    home = Home(tmp_path_factory.mktemp("devlake"))
    flowgrain = str(Path(sys.executable).with_name("flowgrain"))
    pages = ("github", "10_raw_github")
    for source, case in (*(("devlake", case) for case in EXPORTS), pages):
        done = subprocess.run(
            [flowgrain, "land", source, str(CASES / case / "input")],
            env={"FLOWGRAIN_HOME": str(home.root)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    built = run_dbt(home, "run", "--select", "path:models/vault/staging")
    assert built.returncode == 0, built.stdout
    return home


@pytest.fixture(scope="module")
def vault(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """Our events, and in the schema `memory` what DevLake expects."""
    vault = duckdb.connect()
    vault.execute(f"attach '{home.vault}' as vault (read_only); use vault.flowgrain_vault")
    vault.execute("set TimeZone = 'UTC'")
    for path in CASES.glob("*/expected/*.csv"):
        name = f"memory.{'raw_' if '10_raw' in str(path) else ''}{path.stem}"
        vault.execute(f"create table {name} as from read_csv('{path}', all_varchar = true)")
    yield vault
    vault.close()


# Minutes are rounded up; what is negative counts as not known.
LEAD_TIMES = """
with reviews as (
    select changes.change_key, min(reviews.submitted_at) as first_comment_at
    from stg_canonical__changes as changes
    inner join stg_canonical__change_reviews as reviews using (change_key)
    where reviews.reviewer_key is distinct from changes.author_key
    group by all
),
firsts as (
    select links.change_key, min(commits.authored_at) as first_commit_at
    from stg_canonical__change_commits as links
    inner join stg_canonical__commits as commits using (commit_key)
    group by all
),
shipped as (
    select changes.change_key, min(deployments.finished_at) as deployed_at
    from stg_canonical__changes as changes
    inner join stg_canonical__deployment_commits as carried
        on split_part(carried.commit_key, '@', 2) = split_part(changes.merge_commit_key, '@', 2)
    inner join stg_canonical__deployments as deployments using (deployment_id)
    where deployments.result = 'success' and deployments.environment = 'production'
    group by all
),
spans as (
    select
        changes.change_id,
        firsts.first_commit_at,
        first_comment_at,
        opened_at,
        merged_at,
        deployed_at,
        minutes(firsts.first_commit_at, opened_at) as coding,
        minutes(opened_at, first_comment_at) as pickup,
        minutes(first_comment_at, merged_at) as review,
        minutes(merged_at, deployed_at) as deploy
    from stg_canonical__changes as changes
    left join reviews using (change_key)
    left join firsts using (change_key)
    left join shipped using (change_key)
    where changes.merged_at is not null and changes.source = 'devlake'
)
select
    change_id, coding, pickup, review, deploy,
    coalesce(coding, 0) + minutes(opened_at, merged_at) + coalesce(deploy, 0) as cycle,
    first_commit_at, first_comment_at, opened_at, merged_at, deployed_at
from spans
"""
EXPECTED_LEAD_TIMES = """
select
    id, pr_coding_time::int, pr_pickup_time::int, pr_review_time::int, pr_deploy_time::int,
    pr_cycle_time::int,
    first_commit_authored_date::timestamptz::timestamp, first_comment_date::timestamptz::timestamp,
    pr_created_date::timestamptz::timestamp, pr_merged_date::timestamptz::timestamp,
    pr_deployed_date::timestamptz::timestamp
from memory.project_pr_metrics
"""


def test_lead_times_equal_devlakes(vault: duckdb.DuckDBPyConnection) -> None:
    """Six pull requests, from the first commit to the deployment, every span and every moment."""
    vault.execute(
        "create temp macro minutes(a, b) as "
        "case when b >= a then cast(ceil(epoch(b - a) / 60) as int) end"
    )
    expected = set(vault.execute(EXPECTED_LEAD_TIMES).fetchall())
    ours = set(vault.execute(LEAD_TIMES).fetchall())
    assert len(expected) == 6
    assert ours == expected


def test_pipelines_become_deployments_as_devlakes_do(vault: duckdb.DuckDBPyConnection) -> None:
    """Six of fifteen runs, with their environment, result, start and end."""
    expected = vault.execute(
        """
        select
            commit_sha, lower(result), lower(coalesce(environment, 'unknown')),
            started_date::timestamptz::timestamp, finished_date::timestamptz::timestamp
        from memory.cicd_deployment_commits order by all
        """
    ).fetchall()
    ours = vault.execute(
        """
        select split_part(commit_key, '@', 2), result, environment, started_at, finished_at
        from stg_canonical__deployments
        where repository = 'gitlab-data/snowflake_spend' order by all
        """
    ).fetchall()
    assert len(expected) == 6
    assert ours == expected


def test_statuses_of_items_equal_devlakes(vault: duckdb.DuckDBPyConnection) -> None:
    """200 intervals of 32 real items: the first from creation, then one per change."""
    expected = vault.execute(
        """
        select
            work_item_id, coalesce(original_status, 'unknown'),
            start_date::timestamptz::timestamp
        from memory.issue_status_history
        inner join stg_devlake__work_item_keys using (issue_id) order by all
        """
    ).fetchall()
    ours = vault.execute(
        "select work_item_id, status, changed_at "
        "from stg_canonical__work_item_transitions order by all"
    ).fetchall()
    assert len(expected) == 200
    assert ours == expected


def moment(column: str) -> str:
    """SQL of a time of DevLake's as ours are: UTC without a zone."""
    return f"{column}::timestamptz::timestamp"


# Pages of GitHub's API: what DevLake makes of them, and what we do.
PAGES = {
    "pull requests": (
        49,
        f"""
        select
            pull_request_key, {moment("created_date")}, {moment("merged_date")},
            {moment("closed_date")}, case when status = 'MERGED' then merge_commit_sha end
        from memory.raw_pull_requests
        """,
        """
        select change_id, opened_at, merged_at, closed_at, split_part(merge_commit_key, '@', 2)
        from stg_canonical__changes where source = 'github'
        """,
    ),
    "reviews": (
        30,
        f"""
        select pull_request_key, 'review ' || split_part(reviews.id, ':', 4), lower(reviews.status),
            {moment("reviews.created_date")}
        from memory.raw_pull_request_review_comments as reviews
        inner join memory.raw_pull_requests as requests on reviews.pull_request_id = requests.id
        """,
        """
        select split_part(change_key, '!', 2), review_id, kind, submitted_at
        from stg_canonical__change_reviews where source = 'github' and review_id like 'review %'
        """,
    ),
    "comments": (
        62,
        f"""
        select pull_request_key, {moment("comments.created_date")}
        from memory.raw_pull_request_comments as comments
        inner join memory.raw_pull_requests as requests on comments.pull_request_id = requests.id
        """,
        """
        select split_part(change_key, '!', 2), submitted_at
        from stg_canonical__change_reviews
        where source = 'github' and review_id not like 'review %'
        """,
    ),
    "commits": (
        90,
        f"""
        select pull_request_key, commit_sha, {moment("commit_authored_date")}
        from memory.raw_pull_request_commits as commits
        inner join memory.raw_pull_requests as requests on commits.pull_request_id = requests.id
        """,
        """
        select split_part(change_key, '!', 2), commits.commit_sha, commits.authored_at
        from stg_canonical__change_commits as links
        inner join stg_canonical__commits as commits using (commit_key)
        where links.source = 'github'
        """,
    ),
    "runs": (
        35,
        f"""
        select
            split_part(pipelines.id, ':', 5), name, commit_sha,
            result is not distinct from 'SUCCESS',
            {moment("started_date")},
            -- It dates the end of what still runs by its last change; we do not.
            case when original_result is not null then {moment("finished_date")} end
        from memory.raw_cicd_pipelines as pipelines
        inner join memory.raw_cicd_pipeline_commits as commits on pipelines.id = commits.pipeline_id
        """,
        """
        select
            run_id, workflow, split_part(commit_key, '@', 2),
            result is not distinct from 'success', queued_at, finished_at
        from stg_canonical__ci_runs where source = 'github'
        """,
    ),
    "jobs": (
        35,
        f"""
        select
            split_part(id, ':', 5), split_part(pipeline_id, ':', 5), lower(original_result),
            {moment("started_date")}, {moment("finished_date")}
        from memory.raw_cicd_tasks
        """,
        "select id, run_id, lower(conclusion), started_at, completed_at from vault.raw_github.jobs",
    ),
}


@pytest.mark.parametrize("what", list(PAGES))
def test_pages_of_githubs_api_say_what_devlake_reads_in_them(
    vault: duckdb.DuckDBPyConnection, what: str
) -> None:
    count, theirs, ours = PAGES[what]
    expected = vault.execute(f"{theirs} order by all").fetchall()
    assert vault.execute(f"{ours} order by all").fetchall() == expected
    assert len(expected) == count


def test_no_name_of_a_fixture_is_in_the_vault(home: Home) -> None:
    """Items name their authors and assignees, pages their users with all addresses of them."""
    text = home.vault.read_bytes()
    for probe in (b"Rankin Zheng", b"5e9711ba34f7b90c0fbc37d3", b"barryz", b"avatars"):
        assert probe not in text
