"""Pages of GitHub's API: what lands of an object, what is set aside, and no name of anybody."""

import csv
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.errors import FlowgrainError
from orchestration.home import Home
from orchestration.landing.github import land_github

API = "https://api.github.invalid/repos/shop/checkout"
ADA = {"login": "ada-example", "id": 1, "type": "User", "avatar_url": "https://a.invalid/1"}
ROBOT = {"login": "merge-helper", "id": 2, "type": "Bot"}


def request(number: int, **fields: Any) -> dict[str, Any]:
    """A pull request as the API gives it, as far as anybody looks."""
    return {
        "number": number,
        "user": ADA,
        "created_at": "2026-03-02T09:00:00Z",
        "updated_at": "2026-03-03T09:00:00Z",
        "merged_at": "2026-03-03T09:00:00Z",
        "closed_at": "2026-03-03T09:00:00Z",
        "merge_commit_sha": f"m{number}",
        "title": "PAY-7 Retry, says Ada Example",
        "body": "Reported by ada@shop.invalid",
        "head": {"ref": "ada-example/retry"},
        "base": {"repo": {"full_name": "shop/checkout"}},
        "labels": [{"name": "hotfix"}],
        **fields,
    }


def pages(folder: Path, **files: list[Any]) -> Path:
    """Objects, or whatever stands for them, as a collector keeps them."""
    folder.mkdir(exist_ok=True)
    for name, objects in files.items():
        with (folder / f"_raw_github_api_{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("id", "params", "data", "input"))
            for key, thing in enumerate(objects):
                text = thing if isinstance(thing, str) else json.dumps(thing)
                told = (json.dumps({"Name": "shop/checkout"}), text, json.dumps({"Number": 7}))
                writer.writerow((key, *told))
    return folder


def rows(home: Home, query: str) -> list[tuple[Any, ...]]:
    """Ask the vault."""
    with duckdb.connect(str(home.vault), read_only=True) as vault:
        return vault.execute(query).fetchall()


def test_what_is_read_of_a_pull_request(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    folder = pages(
        tmp_path / "pages",
        pull_requests=[request(7), request(8, user=ROBOT, merged_at=None, labels=[])],
    )
    land_github(home, folder)
    assert rows(
        home,
        "select number, author_is_bot, merged_at is null, is_hotfix "
        "from raw_github.pull_requests order by 1",
    ) == [("7", False, False, True), ("8", True, True, False)]
    assert rows(home, "select number, work_item_id from raw_github.pull_request_mentions") == [
        ("7", "PAY-7"),
        ("8", "PAY-7"),
    ]


def test_account_and_address_of_a_commit_are_one_person(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    author = {"name": "Ada Example", "email": "ada@shop.invalid", "date": "2026-03-01T09:00:00Z"}
    commit = {"author": author, "committer": author, "message": "Retry"}
    with_account = {"sha": "c1", "commit": commit, "author": ADA, "parents": [{"sha": "c0"}]}
    without = {"sha": "c2", "commit": commit, "author": None, "parents": [{}, {}]}
    folder = pages(
        tmp_path / "pages", pull_requests=[request(7)], pull_request_commits=[with_account, without]
    )
    land_github(home, folder)
    found = rows(home, "select sha, author_key, parent_count from raw_github.pull_request_commits")
    [(author_key,)] = rows(home, "select author_key from raw_github.pull_requests")
    assert sorted(found) == [("c1", author_key, 1), ("c2", author_key, 2)]


def test_what_cannot_be_read_is_set_aside_with_a_reason(tmp_path: Path) -> None:
    """Broken text, a list, nothing; a review that is not handed in; a time without a zone."""
    home = Home(tmp_path / "home")
    review = {"id": 1, "user": ADA, "state": "APPROVED", "submitted_at": "2026-03-03T08:00:00Z"}
    review["_links"] = {"pull_request": {"href": f"{API}/pulls/7"}}
    folder = pages(
        tmp_path / "pages",
        pull_requests=[request(7), "{", "[]", "", request(8, created_at="2026-03-02 09:00:00")],
        pull_request_reviews=[
            review,
            {**review, "id": 2, "state": "PENDING", "submitted_at": None},
        ],
    )
    counts = land_github(home, folder).counts
    assert counts["pull_requests"].rows_read == 5
    assert counts["pull_requests"].rows_inserted == 1
    assert all(count.is_balanced for count in counts.values())
    query = "select entity, row_number, field, reason from door.quarantine order by all"
    assert rows(home, query) == [
        ("pull_request_reviews", 3, "submitted_at", "missing"),
        ("pull_requests", 3, "data", "not_json"),
        ("pull_requests", 4, "data", "not_json"),
        ("pull_requests", 5, "data", "not_json"),
        ("pull_requests", 6, "created_at", "tz_missing"),
    ]
    assert rows(home, "select repository, number from raw_github.pull_request_reviews") == [
        ("shop/checkout", "7")
    ]


def test_landing_twice_changes_nothing_and_nobody_passes(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    comment = {"id": 5, "user": ADA, "issue_url": f"{API}/issues/7", "body": "Thanks, Ada Example"}
    comment |= {"created_at": "2026-03-03T08:00:00Z", "updated_at": "2026-03-03T08:00:00Z"}
    folder = pages(tmp_path / "pages", pull_requests=[request(7)], comments=[comment])
    land_github(home, folder)
    again = land_github(home, folder)
    assert again.counts == {}
    assert len(again.unchanged) == 2
    told = home.vault.read_bytes().lower()
    for probe in (b"ada-example", b"ada example", b"shop.invalid", b"a.invalid", b"retry"):
        assert probe not in told


def test_a_folder_without_pages_is_said(tmp_path: Path) -> None:
    with pytest.raises(FlowgrainError, match="holds no pages of GitHub"):
        land_github(Home(tmp_path / "home"), tmp_path)
    (tmp_path / "_raw_github_api_runs.csv").write_text("id,url\n1,x\n")
    with pytest.raises(FlowgrainError, match="column data is missing"):
        land_github(Home(tmp_path / "home"), tmp_path)
