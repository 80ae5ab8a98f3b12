"""Deployments and incidents as DevLake's incoming webhooks take them, one JSON object a line.

So whoever posts them there can write the same to a file. Definition of the fields:
devlake.apache.org/docs/Plugins/webhook. Which of them land is said below; the rest is dropped.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestration.landing.derive import name_of_remote
from orchestration.landing.tabular import is_utf8

Row = dict[str, object]
RESULTS = {"SUCCESS": "success", "FAILURE": "failure", "ABORT": "aborted", "ABORTED": "aborted"}
LONGEST_LINE = 1_000_000
# Where a line tells of more than its file is named after: what the row is.
ENTITY = "_entity"


def read(path: Path, entity: str) -> Iterator[tuple[int, str, list[dict[str, str]] | str]]:
    """Each line with the rows of the contract that it tells of, or the reason why it tells none."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line.decode("utf-8", "replace"), rows_of(line, entity)


def rows_of(line: bytes, entity: str) -> list[dict[str, str]] | str:
    """Rows of the contract that a line tells of, or the reason why it tells none."""
    if len(line) > LONGEST_LINE:
        return "field_too_long"
    try:
        record = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return "not_utf8"
    except (ValueError, RecursionError):
        return "not_json"
    if not isinstance(record, dict):
        return "not_json"
    found = TELL[entity](record)
    if isinstance(found, str):
        return found
    rows = [_texts(row) for row in found]
    # JSON may spell half a character, which is none in any encoding.
    return rows if all(is_utf8(text) for row in rows for text in row.values()) else "not_utf8"


def _texts(row: Mapping[str, object]) -> dict[str, str]:
    """As text, so that the door judges every field the same; what is no value is none."""
    return {
        name: value if isinstance(value, str) else str(value)
        for name, value in row.items()
        if value not in (None, "") and not isinstance(value, dict | list)
    }


def _deployments(record: Mapping[str, Any]) -> list[Row] | str:
    """A deployment of several repositories is one of each; further commits of one are its set."""
    commits = record.get("deploymentCommits")
    if not isinstance(commits, list) or not commits:
        return "missing"
    if not all(isinstance(commit, dict) for commit in commits):
        return "not_json"
    key = record.get("id")
    repositories = [_repository(commit.get("repoUrl")) for commit in commits]
    is_one = len(set(repositories)) == 1 or not key
    rows: list[Row] = []
    for number, (commit, repository) in enumerate(zip(commits, repositories, strict=True)):
        deployment_id = key if is_one else f"{key}@{repository}"
        sha = commit.get("commitSha")
        if repository in repositories[:number]:
            further = {"repository": repository, "commit_sha": sha}
            rows.append({ENTITY: "deployment_commits", "deployment_id": deployment_id, **further})
            continue
        result = commit.get("result") or record.get("result") or "SUCCESS"
        rows.append(
            {
                "deployment_id": deployment_id,
                "repository": repository,
                "environment": record.get("environment") or "PRODUCTION",
                "result": RESULTS.get(str(result).upper(), result),
                "commit_sha": sha,
                "started_at": commit.get("startedDate") or record.get("startedDate"),
                "finished_at": commit.get("finishedDate") or record.get("finishedDate"),
                "title": " ".join(
                    str(title)
                    for title in (
                        record.get("displayTitle") or record.get("name"),
                        commit.get("displayTitle"),
                    )
                    if title
                ),
            }
        )
    return rows


def _incidents(record: Mapping[str, Any]) -> list[Row] | str:
    """Issues of the type INCIDENT; the component says the system."""
    if str(record.get("type") or "INCIDENT").upper() != "INCIDENT":
        return "unknown_value"
    return [
        {
            "incident_id": record.get("issueKey"),
            "system": record.get("component"),
            "severity": record.get("severity"),
            "opened_at": record.get("createdDate"),
            "resolved_at": record.get("resolutionDate"),
            "updated_at": record.get("updatedDate"),
        }
    ]


def _repository(url: object) -> str | None:
    """`owner/name`, as `land git` names it, or whatever else the sender calls it."""
    text = str(url) if url else None
    return name_of_remote(text) or text


TELL = {"deployments": _deployments, "incidents": _incidents}
