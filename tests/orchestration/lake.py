"""DevLake's tables in a database of a test: what `land devlake` reads, and what it must not."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from orchestration.landing.contract import Column
from orchestration.landing.devlake.arrival import TABLES

Rows = dict[str, list[dict[str, Any]]]
# Beside what is read, a DevLake holds these; they are probes for what must stay out.
PRIVATE = {
    "pull_requests": ("merged_by_name", "url"),
    "pull_request_comments": ("body",),
    "pull_request_commits": ("commit_author_name",),
    "commits": ("author_name", "committer_email"),
    "issues": ("assignee_name", "creator_name"),
    "issue_changelogs": ("author_name", "field_name"),
}
SECRET = "Ada Probe <ada.probe@shop.invalid>"


def at(day: int, hour: int = 12) -> datetime:
    """A moment of March 2026, as DevLake keeps it: UTC, without saying so."""
    return datetime(2026, 3, day, hour, tzinfo=UTC).replace(tzinfo=None)


def schema(kind: str, *, without: dict[str, set[str]] | None = None) -> sa.MetaData:
    """DevLake's tables; `without` leaves out columns, or a whole table where it says `*`."""
    metadata = sa.MetaData()
    absent = without or {}
    for name, entity in TABLES.items():
        gone = absent.get(name, set())
        if "*" in gone:
            continue
        columns = [_column(c, c.reads in entity.key, kind) for c in entity.columns.values()]
        columns += [sa.Column(extra, sa.Text) for extra in PRIVATE.get(name, ())]
        sa.Table(name, metadata, *(c for c in columns if c.name not in gone))
    people = ("id", "user_name", "email", "full_name")
    sa.Table("accounts", metadata, *(sa.Column(name, sa.String(255)) for name in people))
    return metadata


def _column(column: Column, is_key: bool, kind: str) -> sa.Column[Any]:
    moment = (
        sa.DateTime(timezone=True) if kind == "postgresql" else sa.dialects.mysql.DATETIME(fsp=3)
    )
    kinds = {"timestamp": moment, "integer": sa.BigInteger, "boolean": sa.Boolean}
    # A number in DevLake; a text here, for it is a key.
    if column.reads == "pull_request_key":
        return sa.Column(column.reads, sa.Integer)
    text = sa.Text if column.type == "free_text" else sa.String(255)
    return sa.Column(column.reads, kinds.get(column.type, text))


def rows(changes: int = 6, connections: tuple[int, ...] = (1,)) -> Rows:
    """A repository whose changes are reviewed by a bot, then a person, and deployed one by one.

    Every connection to the host tells all of it under ids of its own.
    """
    told: Rows = {}

    def tell(name: str, day: int, /, **columns: Any) -> None:
        told.setdefault(name, []).append({**columns, "updated_at": at(day)})

    for c in connections:
        repo = scope = f"github:GithubRepo:{c}:7"
        tell("repos", 1, id=repo, name="shop/checkout", url="https://github.invalid/shop/checkout")
        tell("cicd_scopes", 1, id=scope, name="shop/checkout", url="")
        tell("project_mapping", 1, project_name="shop", table="repos", row_id=repo)
        tell(
            "project_mapping",
            1,
            project_name="shop",
            table="boards",
            row_id=f"jira:JiraBoard:{c}:3",
        )
        names = (("1", "ada"), ("2", "bo"), ("3", "renovate[bot]"))
        for number, login in names:
            account = {"id": f"github:GithubAccount:{c}:{number}", "user_name": login}
            account |= {"email": f"{login}@shop.invalid", "full_name": SECRET}
            told.setdefault("accounts", []).append(account)
        for n in range(1, changes + 1):
            _change(tell, c, n, repo, scope)
        _rest(tell, c, repo)
        incident = f"jira:JiraIssue:{c}:900"
        tell(
            "incidents",
            9,
            **{"id": incident, "incident_key": "OPS-9", "table": "boards", "component": ""},
            scope_id=f"jira:JiraBoard:{c}:3",
            url="https://jira.invalid/browse/OPS-9",
            created_date=at(4, 19),
            resolution_date=at(4, 21),
        )
    return told


def _change(tell: Any, c: int, n: int, repo: str, scope: str) -> None:
    request = f"github:GithubPullRequest:{c}:{100 + n}"
    sha, merge = f"c{n:039d}", f"m{n:039d}"
    tell(
        "pull_requests",
        n + 1,
        id=request,
        base_repo_id=repo,
        pull_request_key=n,
        author_id=f"github:GithubAccount:{c}:1",
        author_name="ada",
        merged_by_name=SECRET,
        title=f"PAY-{n} Retry the card authorisation",
        description=SECRET,
        head_ref=f"ada/PAY-{n}",
        created_date=at(n, 9),
        merged_date=at(n + 1, 9),
        closed_date=at(n + 1, 9),
        merge_commit_sha=merge,
    )
    for order, account, status in ((1, 3, "COMMENTED"), (2, 2, "APPROVED")):
        tell(
            "pull_request_comments",
            n + 1,
            id=f"github:GithubPrReview:{c}:{1000 * n + order}",
            pull_request_id=request,
            account_id=f"github:GithubAccount:{c}:{account}",
            type="REVIEW",
            status=status,
            body=SECRET,
            created_date=at(n, 9 + order),
        )
    tell(
        "pull_request_commits",
        n + 1,
        pull_request_id=request,
        commit_sha=sha,
        commit_author_email="ada@shop.invalid",
        commit_author_name=SECRET,
        commit_authored_date=at(n, 8),
    )
    for commit in (sha, merge):
        tell("repo_commits", n + 1, repo_id=repo, commit_sha=commit)
    if c == 1:
        for commit in (sha, merge):
            tell(
                "commits",
                n + 1,
                sha=commit,
                author_email="ada@shop.invalid",
                author_name=SECRET,
                authored_date=at(n, 8),
                committed_date=at(n, 8),
                message=f"Retry\n\nCo-authored-by: {SECRET}",
            )
            tell("commit_parents", n + 1, commit_sha=commit, parent_commit_sha=f"m{n - 1:039d}")
    before = f"github:GithubDeployment:{c}:{n - 1}:https://github.invalid/shop/checkout"
    tell(
        "cicd_deployment_commits",
        n + 1,
        id=f"github:GithubDeployment:{c}:{n}:https://github.invalid/shop/checkout",
        cicd_deployment_id=f"github:GithubDeployment:{c}:{n}",
        cicd_scope_id=scope,
        repo_id=repo,
        repo_url="https://github.invalid/shop/checkout",
        commit_sha=merge,
        prev_success_deployment_commit_id=before if n > 1 else "",
        name="deploy",
        result="SUCCESS",
        environment="PRODUCTION",
        created_date=at(n + 1, 10),
        started_date=at(n + 1, 10),
        finished_date=at(n + 1, 11),
    )
    tell(
        "cicd_pipelines",
        n + 1,
        id=f"github:GithubRun:{c}:7:{n}",
        cicd_scope_id=scope,
        name="tests",
        display_title=SECRET,
        result="SUCCESS",
        status="DONE",
        type="",
        environment="",
        created_date=at(n, 9),
        queued_date=at(n, 9),
        started_date=at(n, 10),
        finished_date=at(n, 11),
        duration_sec=3600.5,
    )
    tell(
        "cicd_pipeline_commits",
        n + 1,
        pipeline_id=f"github:GithubRun:{c}:7:{n}",
        commit_sha=sha,
        repo_id=repo,
        repo_url="https://github.invalid/shop/checkout",
    )
    if c == 1 and n > 1:
        for carried in (sha, merge):
            row = {"new_commit_sha": merge, "old_commit_sha": f"m{n - 1:039d}"}
            tell("commits_diffs", n + 1, **row, commit_sha=carried)
    item = f"jira:JiraIssue:{c}:{500 + n}"
    tell(
        "issues",
        n + 1,
        id=item,
        issue_key=f"PAY-{n}",
        url=f"https://jira.invalid/browse/PAY-{n}",
        title=SECRET,
        description="",
        assignee_name=SECRET,
        creator_name=SECRET,
        type="REQUIREMENT",
        epic_key="PAY-90" if n == 1 else "",
        original_status="Done",
        status="DONE",
        created_date=at(n, 7),
        resolution_date=at(n + 1, 11),
    )
    for order, name, left, taken in (
        (1, "status", "To do", "In progress"),
        (2, "assignee", "", SECRET),
        (3, "status", "In progress", "Done"),
    ):
        tell(
            "issue_changelogs",
            n + 1,
            id=f"jira:JiraChangelog:{c}:{10 * n + order}",
            issue_id=item,
            author_name=SECRET,
            field_name=name,
            original_from_value=left,
            original_to_value=taken,
            created_date=at(n, 7 + order),
        )


def _rest(tell: Any, c: int, repo: str) -> None:
    """A row of each further table, so that none of them lands for the first time at a user's."""
    request, board = f"github:GithubPullRequest:{c}:101", f"jira:JiraBoard:{c}:3"
    item, run = f"jira:JiraIssue:{c}:501", f"github:GithubRun:{c}:7:1"
    for label in ("hotfix", "backend", SECRET):
        tell("pull_request_labels", 2, pull_request_id=request, label_name=label)
    tell("pull_request_issues", 2, pull_request_id=request, issue_id=item)
    epic = {"issue_key": "PAY-90", "type": "EPIC", "created_date": at(1, 6)}
    tell("issues", 2, id=f"jira:JiraIssue:{c}:590", resolution_date=at(3, 9), **epic)
    # Told from both ends; what is no blocking is not read.
    ends = {"source_issue_id": item, "target_issue_id": f"jira:JiraIssue:{c}:502"}
    for way, kind in ((1, "is blocked by"), (-1, "blocks"), (1, "relates to")):
        keys = dict(zip(ends, list(ends.values())[::way], strict=True))
        tell("issue_relationships", 2, original_type=kind, **keys)
    sha = f"c{1:039d}"
    tell("refs", 2, repo_id=repo, ref_type="BRANCH", commit_sha=sha, is_default=True)
    if c == 1:
        tell("commit_files", 2, commit_sha=sha, file_path="pay.py", additions=3, deletions=1)
    told = {"started_date": at(1, 10), "finished_date": at(1, 11), "result": "SUCCESS"}
    tell("cicd_tasks", 2, id=f"{run}:1", pipeline_id=run, status="DONE", type="TEST", **told)
    deployment = f"github:GithubDeployment:{c}:1"
    tell("cicd_deployments", 2, id=deployment, name="deploy", environment="PRODUCTION", **told)
    tell("boards", 2, id=board)
    tell("board_issues", 2, board_id=board, issue_id=item)
    for hour, status in ((7, "To do"), (8, "In progress"), (10, "Done")):
        state = {"original_status": status, "start_date": at(1, hour)}
        tell("issue_status_history", 2, issue_id=item, **state)
    tell("cq_projects", 2, id=f"sonarqube:SonarqubeProject:{c}:a", name="checkout")
    tell("cq_issues", 2, id=f"sonarqube:SonarqubeIssue:{c}:b", type="BUG", severity="MAJOR")


def fill(engine: sa.Engine, metadata: sa.MetaData, told: Rows) -> None:
    """Write rows into a database, as far as its tables have the columns."""
    with engine.begin() as connection:
        for name, table_rows in told.items():
            if (table := metadata.tables.get(name)) is not None:
                known = [
                    {column.name: row.get(column.name) for column in table.columns}
                    for row in table_rows
                ]
                connection.execute(table.insert(), known)
