"""The git source: every way of merging, what is new and only that, and nothing of a person."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.build import run_dbt
from orchestration.errors import FlowgrainError
from orchestration.home import PROJECT, Home
from orchestration.landing import derive
from orchestration.landing.derive import name_of_remote
from orchestration.landing.files import land_files
from orchestration.landing.git import changes, land_git, releases
from orchestration.landing.git.mentions import read_mentions

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
ADA = "Ada Example <ada@shop.invalid>"
BO = "Bo Sample <bo@shop.invalid>"
CLEO = "Cleo Specimen <cleo@shop.invalid>"
ENTITIES = (
    "changes", "change_commits", "change_work_items", "commits", "commit_coauthors",
    "commit_files", "mainline_commits", "deployments", "deployment_commits",
)  # fmt: skip


class Repository:
    """A small repository whose clock moves one hour per commit."""

    def __init__(self, folder: Path) -> None:
        """Make it empty."""
        self.folder = folder
        folder.mkdir(parents=True)
        self.hours = 0
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, **environment: str) -> str:
        """Run git in it, out of reach of the machine's own configuration."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        clean |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **environment}
        command = ["git", "-C", str(self.folder), "-c", "commit.gpgSign=false", *arguments]
        return subprocess.run(
            command, env=clean, check=True, capture_output=True, text=True
        ).stdout.strip()

    def people(self, author: str, committer: str, authored: str, committed: str) -> dict[str, str]:
        """Identities and dates of a commit, as git reads them."""
        environment: dict[str, str] = {}
        roles = (("AUTHOR", author, authored), ("COMMITTER", committer, committed))
        for role, person, date in roles:
            name, _, email = person.rstrip(">").partition(" <")
            environment |= {
                f"GIT_{role}_NAME": name, f"GIT_{role}_EMAIL": email, f"GIT_{role}_DATE": date
            }  # fmt: skip
        return environment

    def tick(self) -> datetime:
        """One hour later."""
        self.hours += 1
        return START + timedelta(hours=self.hours)

    def commit(
        self,
        message: str,
        *,
        author: str = ADA,
        committer: str | None = None,
        file: str | None = None,
        content: str | bytes | None = None,
        authored: str | None = None,
        committed: str | None = None,
    ) -> str:
        """Commit one file's new content."""
        now = self.tick().isoformat()
        path = self.folder / (file or f"file{self.hours}.txt")
        data = content if content is not None else f"line {self.hours}\n"
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        self.git("add", "-A")
        return self.record(message, author, committer or author, authored or now, committed or now)

    def record(self, message: str, author: str, committer: str, authored: str, at: str) -> str:
        """Commit what is staged."""
        environment = self.people(author, committer, authored, at)
        self.git("commit", "-q", "--allow-empty", "-m", message, **environment)
        return self.head()

    def head(self) -> str:
        """The commit that it stands on."""
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str, at: str = "HEAD") -> None:
        """Start a branch."""
        self.git("checkout", "-q", "-b", name, at)

    def merge(self, message: str, *branches: str, author: str = CLEO) -> str:
        """Merge branches into main."""
        self.git("checkout", "-q", "main")
        now = self.tick().isoformat()
        environment = self.people(author, author, now, now)
        self.git("merge", "-q", "--no-ff", "-m", message, *branches, **environment)
        return self.head()

    def tag(self, name: str, at: str = "HEAD") -> None:
        """An annotated tag."""
        now = self.tick().isoformat()
        self.git("tag", "-a", "-m", "by Ada Example", name, at, **self.people(ADA, ADA, now, now))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty installation with a key of its own."""
    key = tmp_path / "person.key"
    key.write_bytes(bytes(range(32)))
    key.chmod(0o400)
    monkeypatch.setenv("FLOWGRAIN_KEY_FILE", str(key))
    return Home(tmp_path / "home")


@pytest.fixture
def shop(tmp_path: Path) -> Repository:
    """A repository with one commit on its main line."""
    repository = Repository(tmp_path / "shop")
    repository.commit("Begin")
    return repository


def rows(home: Home, sql: str) -> list[tuple[object, ...]]:
    """What the vault answers."""
    with duckdb.connect(str(home.vault), read_only=True) as vault:
        vault.execute("use raw_git")
        return vault.execute(sql).fetchall()


def raw_tables(home: Home) -> dict[str, list[tuple[object, ...]]]:
    """All that landed, without the number of the load it came in."""
    return {
        name: sorted(rows(home, f"select * exclude (_load_id) from {name}"), key=repr)
        for name in ENTITIES
    }


def commits_of(home: Home, change: str) -> set[object]:
    """Commits of a change."""
    sql = f"select commit_sha from change_commits where change_id = '{change}'"
    return {sha for (sha,) in rows(home, sql)}


def same_author(home: Home, change: str, commit: str) -> bool:
    """Whether a change is by the author of this commit."""
    sql = (
        "select c.author_key = k.author_key from changes as c, commits as k "
        f"where c.change_id = '{change}' and k.commit_sha = '{commit}'"
    )
    return rows(home, sql) == [(True,)]


# Ways of merging


def test_merge_commit(home: Home, shop: Repository) -> None:
    """The range of the merge is the change; its author is who wrote it, not who merged."""
    shop.branch("hotfix/PAY-12")
    first = shop.commit("Retry", author=BO)
    second = shop.commit("Retry twice", author=ADA)
    message = "Merge pull request #7 from bo/hotfix/PAY-12\n\nRetry the card\n\nCloses #9"
    merge = shop.merge(message, "hotfix/PAY-12")
    land_git(home, [shop.folder])
    assert rows(
        home,
        "select repository, change_id, merge_commit, opened_at, merged_at, closed_at, "
        "first_commit_at, is_hotfix from changes",
    ) == [
        ("shop", "7", merge, None, datetime(2026, 3, 2, 13), datetime(2026, 3, 2, 13), None, True)
    ]
    assert commits_of(home, "7") == {first, second}
    assert same_author(home, "7", first)
    assert not same_author(home, "7", merge)
    assert rows(home, "select work_item_id from change_work_items order by all") == [
        ("#9",),
        ("PAY-12",),
    ]
    assert set(rows(home, "select commit_sha from commits where is_mainline")) == {
        (merge,),
        (shop.git("rev-parse", "main~1"),),
    }
    assert rows(home, f"select count(*) from commit_files where commit_sha = '{merge}'") == [(0,)]


def test_squash_without_pull_ref(home: Home, shop: Repository) -> None:
    """Both dates are the merge's, so nothing here may pass for a start of the work."""
    squash = shop.commit("Retry the card (#8)", author=BO, committer=CLEO)
    land_git(home, [shop.folder])
    assert rows(home, "select change_id, merge_commit, first_commit_at from changes") == [
        ("8", squash, None)
    ]
    assert commits_of(home, "8") == {squash}
    sql = f"select authored_at = committed_at from commits where commit_sha = '{squash}'"
    assert rows(home, sql) == [(True,)]


def test_squash_with_pull_ref(home: Home, shop: Repository) -> None:
    """The branch that squashing lost is still in the ref; of unmerged changes nothing lands."""
    shop.branch("topic")
    first, second = shop.commit("Try", author=BO), shop.commit("Try again", author=BO)
    shop.git("update-ref", "refs/pull/8/head", "HEAD")
    shop.branch("open")
    unmerged = shop.commit("Never merged")
    shop.git("update-ref", "refs/pull/9/head", "HEAD")
    shop.git("checkout", "-q", "main")
    shop.commit("Something between")
    squash = shop.commit("Try (#8)", author=BO, committer=CLEO)
    land_git(home, [shop.folder])
    assert commits_of(home, "8") == {first, second}
    assert same_author(home, "8", squash)
    assert rows(home, "select change_id from changes") == [("8",)]
    assert rows(home, f"select * from commits where commit_sha = '{unmerged}'") == []
    sql = "select commit_sha from commits where not is_mainline order by committed_at"
    assert rows(home, sql) == [(first,), (second,)]


def test_pull_refs_that_come_later(home: Home, shop: Repository) -> None:
    """A clone that fetches the branches of its changes afterwards is read anew."""
    shop.branch("topic")
    first = shop.commit("Try", author=BO)
    shop.git("checkout", "-q", "main")
    squash = shop.commit("Try (#8)", author=BO)
    land_git(home, [shop.folder])
    assert commits_of(home, "8") == {squash}
    shop.git("update-ref", "refs/pull/8/head", "topic")
    land_git(home, [shop.folder])
    assert first in commits_of(home, "8")


def test_bors_merges_several(home: Home, shop: Repository) -> None:
    """Each number gets its own parent and its own part of the text."""
    shas = []
    for number in (3, 4):
        shop.branch(f"topic{number}", "main")
        shas.append(shop.commit(f"Topic {number}", author=BO))
    body = "3: Add PAY-3 r=cleo a=bo\n\nFirst text\n\n4: hotfix: add it r=cleo a=bo\n\nCloses #5"
    merge = shop.merge(f"Merge #3 #4\n\n{body}", "topic3", "topic4")
    land_git(home, [shop.folder])
    assert rows(home, "select change_id, merge_commit, is_hotfix from changes order by 1") == [
        ("3", merge, False),
        ("4", merge, True),
    ]
    assert commits_of(home, "3") == {shas[0]}
    assert commits_of(home, "4") == {shas[1]}
    assert rows(home, "select change_id, work_item_id from change_work_items order by 1") == [
        ("3", "PAY-3"),
        ("4", "#5"),
    ]


def test_rebase_with_trailer(home: Home, shop: Repository) -> None:
    """Commits in a row that name one number are one change; it ends with the last of them."""
    trailer = "\n\nPR-URL: https://host.invalid/shop/shop/pull/21"
    early = "2026-03-01T08:00:00Z"
    first = shop.commit(f"One{trailer}", author=BO, committer=CLEO, authored=early)
    second = shop.commit(f"Two{trailer}", author=ADA, committer=CLEO)
    shop.commit("Other work")
    land_git(home, [shop.folder])
    assert rows(home, "select change_id, merge_commit, first_commit_at from changes") == [
        ("21", second, datetime(2026, 3, 1, 8))
    ]
    assert commits_of(home, "21") == {first, second}
    assert same_author(home, "21", first)


def test_number_that_merges_twice(home: Home, shop: Repository) -> None:
    """The first merge counts, whether the second comes in the same load or in a later one."""
    first = shop.commit("Add it (#5)")
    shop.commit('Revert "Add it (#5)" (#6)')
    shop.commit("Add it (#5)")
    done = land_git(home, [shop.folder])
    assert done.merged_again == {"shop": 1}
    shop.commit("Add it (#5)")
    assert land_git(home, [shop.folder]).merged_again == {"shop": 1}
    assert rows(home, "select merge_commit from changes where change_id = '5'") == [(first,)]
    assert rows(home, "select reverts_change_id from changes where change_id = '6'") == [("5",)]


@pytest.mark.parametrize(
    ("message", "ids"),
    [
        ("Merge pull request #12 from bo/topic\n\nTitle", ["12"]),
        ("Merge pull request #12 in SHOP/checkout from hotfix/x to main", ["12"]),
        ("Merged in topic (pull request #12)", ["12"]),
        ("Merge PR #12 from bo/topic: title", ["12"]),
        ("Merge branch 'x' into 'main'\n\nTitle\n\nSee merge request group/sub/shop!12", ["12"]),
        ("Title\n\nSee merge request !12", ["12"]),
        ("Merge #12", ["12"]),
        ("Merge #12 #13", ["12", "13"]),
        ("Auto merge of #12 - bo:topic, r=cleo\n\nTitle", ["12"]),
        ("Title (#12)", ["12"]),
        ("Title (!12)", ["12"]),
        ("Backport title (#11) (#12)", ["12"]),
        ("Merged PR 12: Title", ["12"]),
        ("Title\n\nPull-Request: #12", ["12"]),
        ('Revert "Title (#12)"', []),
        ("Fix #12", []),
        ("Merge branch 'main' into topic", []),
        ("", []),
    ],
)
def test_styles(message: str, ids: list[str]) -> None:
    """Every host's own words for a merge."""
    assert [mention.change_id for mention in read_mentions(message)] == ids


@given(st.text())
def test_any_message_can_be_read(message: str) -> None:
    """Messages are written by anybody."""
    assert all(mention.change_id.isdigit() for mention in read_mentions(message))


# Commits and people


def test_reverts_on_main_and_aside(home: Home, shop: Repository) -> None:
    """A revert on a side branch is told apart by the main line alone."""
    bad = shop.commit("Bad")
    shop.branch("topic")
    aside = shop.commit(f'Revert "Bad"\n\nThis reverts commit {bad}.')
    shop.git("checkout", "-q", "main")
    on_main = shop.commit(f'Revert "Bad"\n\nThis reverts commit {bad}.')
    shop.merge("Merge pull request #2 from bo/topic", "topic")
    land_git(home, [shop.folder])
    sql = "select commit_sha, is_mainline, reverts_commit_sha from commits where is_revert"
    assert set(rows(home, sql)) == {(aside, False, bad), (on_main, True, bad)}


def test_place_on_the_main_line(home: Home, shop: Repository) -> None:
    """A side commit comes in with its merge; a second load counts on where the first ended."""
    shop.branch("topic")
    aside = shop.commit("Aside")
    shop.git("checkout", "-q", "main")
    second = shop.commit("Second")
    land_git(home, [shop.folder])
    merge = shop.merge("Merge pull request #2 from bo/topic", "topic")
    fourth = shop.commit("Fourth")
    land_git(home, [shop.folder])
    places = dict(rows(home, "select commit_sha, mainline_position from mainline_commits"))
    first = shop.git("rev-list", "--max-parents=0", "HEAD")
    assert places == {first: 1, second: 2, aside: 3, merge: 3, fourth: 4}


def test_a_deployment_told_elsewhere_carries_what_the_main_line_says(
    home: Home, shop: Repository, tmp_path: Path
) -> None:
    """Whoever posts a deployment names the commit it stands on; the clone knows the rest."""
    merged = [shop.commit(f"Change (#{number})") for number in (5, 6, 7)]
    before, after = shop.git("rev-parse", "main~3"), merged[-1]
    folder = tmp_path / "files"
    folder.mkdir()
    with (folder / "deployments.jsonl").open("w") as file:
        for number, sha in enumerate((before, after)):
            moment = f"2026-03-0{3 + number}T09:00:00Z"
            commits = [{"repoUrl": "shop", "commitSha": sha}]
            dates = {"startedDate": moment, "finishedDate": moment}
            file.write(json.dumps({"id": f"d{number}", "deploymentCommits": commits, **dates}))
            file.write("\n")
    land_git(home, [shop.folder], loaded_to=datetime(2026, 3, 10, tzinfo=UTC))
    land_files(home, folder, loaded_to=datetime(2026, 3, 10, tzinfo=UTC))
    without_tests = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    done = run_dbt(home, "build", "--select", "+int_carried_commits", *without_tests)
    assert done.returncode == 0, done.stdout
    query = "select deployment_id, commit_key from flowgrain_vault.int_carried_commits"
    with duckdb.connect(str(home.vault), read_only=True) as vault:
        carried = set(vault.execute(query).fetchall())
    assert carried == {("d0", f"shop@{before}"), *(("d1", f"shop@{sha}") for sha in merged)}


def test_files(home: Home, shop: Repository) -> None:
    """Renames keep both paths, binary files have no lines, a path may hold any character."""
    text = "".join(f"{n}\n" for n in range(20))
    shop.commit("Add", file="a b\tü\n.txt", content=text)
    (shop.folder / "a b\tü\n.txt").unlink()
    shop.commit("Move", file="moved.txt", content=text + "more\n")
    shop.commit("Picture", file="picture.bin", content=b"\0\1\2")
    (shop.folder / "picture.bin").unlink()
    shop.commit("Gone", file="moved.txt", content=text)
    land_git(home, [shop.folder])
    landed = rows(
        home,
        "select path, previous_path, change_type, additions, deletions from commit_files "
        "join commits using (commit_sha) order by committed_at, path offset 1",
    )
    assert landed == [
        ("a b\tü\n.txt", None, "added", 20, 0),
        ("moved.txt", "a b\tü\n.txt", "renamed", 1, 0),
        ("picture.bin", None, "added", None, None),
        ("moved.txt", None, "modified", 0, 1),
        ("picture.bin", None, "deleted", None, None),
    ]


def test_coauthors(home: Home, shop: Repository) -> None:
    """The author named again is none; an assistant is one, but no human."""
    trailers = [ADA, BO, "Claude <noreply@helper.invalid>"]
    body = "\n".join(f"Co-authored-by: {person}" for person in trailers)
    sha = shop.commit(f"Together\n\n{body}", author=ADA)
    shop.commit("Alone", author=BO)
    land_git(home, [shop.folder])
    assert rows(home, "select coauthor_is_bot from commit_coauthors order by all") == [
        (False,),
        (True,),
    ]
    assert rows(home, "select commit_sha from commits where is_assisted") == [(sha,)]
    sql = "select count(*) from commit_coauthors, commits where coauthor_key = author_key"
    assert rows(home, sql) == [(1,)]


def test_bot(home: Home, shop: Repository) -> None:
    """A bot's change lands, marked."""
    shop.branch("topic")
    shop.commit("Bump", author="dependabot[bot] <1+dependabot[bot]@users.noreply.github.com>")
    shop.merge("Merge pull request #2 from dependabot/topic", "topic")
    land_git(home, [shop.folder])
    assert rows(home, "select change_id from changes where author_is_bot") == [("2",)]


def test_accounts_of_one_person(home: Home, shop: Repository) -> None:
    """Mailmap and equal full names draw accounts together; a single word does not."""
    shop.commit(
        "Mail map", file=".mailmap", content="Ada Example <ada@shop.invalid> <al@x.invalid>"
    )
    accounts = ["al <al@x.invalid>", "ADA  Example <ada@home.invalid>", BO, "Ada <ada3@x.invalid>"]
    for account in accounts:
        shop.commit("Work", author=account)
    land_git(home, [shop.folder])
    assert rows(home, "select count(distinct author_key) from commits") == [(3,)]
    shop.commit("Later", author="Ada Example <ada4@x.invalid>")
    land_git(home, [shop.folder])
    assert rows(home, "select count(distinct author_key) from commits") == [(3,)]


def test_dates_that_cannot_be(home: Home, shop: Repository) -> None:
    """The epoch lands, the future and what is no date at all do not break the load."""
    shop.commit("Epoch", authored="@0 +0000", committed="@0 +0000")
    future = shop.commit("Future (#3)", authored="@4102444800 +0000", committed="@4102444800 +0000")
    raw = shop.git("cat-file", "commit", "HEAD")
    broken = re.sub(r"> 4102444800", "> 99999999999999999999", raw)
    (shop.folder.parent / "commit").write_text(broken + "\n")
    path = str(shop.folder.parent / "commit")
    sha = shop.git("hash-object", "-t", "commit", "--literally", "-w", path)
    shop.git("update-ref", "refs/heads/main", sha)
    done = land_git(home, [shop.folder])
    assert done.counts["commits"].rows_read == 3
    assert rows(home, "select count(*) from commits where committed_at = '1970-01-01'") >= [(1,)]
    assert rows(home, f"select * from commits where commit_sha = '{future}'") == []
    shop.git("update-ref", "refs/heads/main", future)
    done = land_git(home, [shop.folder])
    assert done.counts["commits"].rows_quarantined == 1
    assert done.counts["changes"].rows_quarantined == 1


def test_messages_in_other_encodings(home: Home, shop: Repository) -> None:
    """Bytes that are no UTF-8 are replaced, not refused."""
    path = shop.folder.parent / "message"
    path.write_bytes(b"Caf\xe9 (#4)")
    now = shop.tick().isoformat()
    environment = shop.people(ADA, ADA, now, now)
    shop.git("commit", "-q", "--allow-empty", "-F", str(path), **environment)
    land_git(home, [shop.folder])
    assert rows(home, "select change_id from changes") == [("4",)]


def test_nothing_of_a_person_passes(home: Home, shop: Repository) -> None:
    """No address, login, name or word of a message stands in any byte of the vault."""
    words = "sesquipedalian"
    coauthor = "Dee Paragon <dee@shop.invalid>"
    shop.branch("topic")
    shop.commit(f"Say {words}\n\nCo-authored-by: {coauthor}", author=BO)
    shop.merge(f"Merge pull request #7 from boxlogin/topic\n\n{words} title", "topic")
    shop.commit(f"Late {words}", authored="@4102444800 +0000", committed="@4102444800 +0000")
    land_git(home, [shop.folder])
    needles = [words, "shop.invalid", "boxlogin", "Example", "Sample", "Specimen", "Paragon"]
    for path in home.vault.parent.rglob("*"):
        if path.is_file():
            content = path.read_bytes().lower()
            found = [needle for needle in needles if needle.lower().encode() in content]
            assert not found, path.name
    with duckdb.connect(str(home.vault), read_only=True) as vault:
        for table in ("loads", "load_counts", "quarantine", "connections"):
            text = repr(vault.execute(f"select * from door.{table}").fetchall())
            assert not [needle for needle in needles if needle in text]


# Releases


@pytest.fixture
def declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Declare tags of the repository `shop` to be deployments."""

    def declare(line: str) -> None:
        path = tmp_path / "tag_deployments.csv"
        path.write_text(f"repository,tag_pattern,environment,note\n{line}\n")
        monkeypatch.setattr(releases, "TAG_DEPLOYMENTS", path)

    return declare


def test_tags_are_no_deployments_unless_declared(home: Home, shop: Repository) -> None:
    """A tag may be anything."""
    shop.tag("v1")
    land_git(home, [shop.folder])
    assert rows(home, "select * from deployments") == []


def test_tag_deployments(home: Home, shop: Repository, declared: Callable[[str], None]) -> None:
    """The first ships the commit it names alone, each next one what is new on its line."""
    shop.commit("Long before")
    first = shop.commit("One")
    shop.tag("v1")
    shop.git("tag", "nightly")
    second, third = shop.commit("Two"), shop.commit("Three")
    shop.git("tag", "v2")
    shop.branch("maintenance", first)
    fix = shop.commit("Fix")
    shop.tag("v1-hotfix-1")
    shop.git("checkout", "-q", "main")
    fourth = shop.commit("Four")
    shop.tag("v3")
    declared("shop,v*,production,each tag is rolled out")
    land_git(home, [shop.folder])
    assert rows(
        home,
        "select deployment_id, environment, result, commit_sha, finished_at, is_hotfix "
        "from deployments order by finished_at",
    ) == [
        ("shop@v1", "production", "success", first, datetime(2026, 3, 2, 13), False),
        ("shop@v2", "production", "success", third, datetime(2026, 3, 2, 15), False),
        ("shop@v1-hotfix-1", "production", "success", fix, datetime(2026, 3, 2, 17), True),
        ("shop@v3", "production", "success", fourth, datetime(2026, 3, 2, 19), False),
    ]
    assert set(rows(home, "select deployment_id, commit_sha from deployment_commits")) == {
        ("shop@v1", first),
        ("shop@v2", second),
        ("shop@v2", third),
        ("shop@v1-hotfix-1", fix),
        ("shop@v3", fourth),
    }
    assert rows(home, f"select is_mainline from commits where commit_sha = '{fix}'") == [(False,)]
    shop.tag("v4")
    done = land_git(home, [shop.folder])
    counts = done.counts["deployments"]
    assert counts.rows_inserted - counts.rows_removed == 1
    assert land_git(home, [shop.folder]).unchanged == ["shop"]


def test_seed_of_tag_deployments_can_be_read() -> None:
    """The project's own seed has the columns that are read."""
    header = (PROJECT / "seeds/mapping/tag_deployments.csv").read_text().splitlines()[0]
    assert header == "repository,tag_pattern,environment,note"


# Only what is new


def test_second_run_lands_only_what_is_new(home: Home, shop: Repository) -> None:
    """Nothing new changes nothing; one commit more is one row more."""
    shop.commit("Add it (#5)")
    land_git(home, [shop.folder])
    before = raw_tables(home)
    done = land_git(home, [shop.folder])
    assert (done.unchanged, done.counts) == (["shop"], {})
    assert raw_tables(home) == before
    sha = shop.commit("More")
    done = land_git(home, [shop.folder])
    assert vars(done.counts["commits"]) | {"rows_read": 1, "rows_inserted": 1} == vars(
        done.counts["commits"]
    )
    assert {row[1] for row in raw_tables(home)["commits"]} >= {sha}


def test_main_line_that_was_rewritten(home: Home, shop: Repository, tmp_path: Path) -> None:
    """After forced pushes, there and back, nothing is left that a fresh load would not bring."""
    shop.commit("Kept")
    shop.commit("Lost (#1)")
    lost = shop.git("rev-parse", "HEAD")
    land_git(home, [shop.folder])
    shop.git("reset", "-q", "--hard", "HEAD~1")
    instead = shop.commit("Instead (#2)")
    for number, tip in enumerate((instead, lost, instead)):
        shop.git("reset", "-q", "--hard", tip)
        done = land_git(home, [shop.folder])
        assert done.counts["changes"].rows_removed == 1
        fresh = Home(tmp_path / f"fresh{number}")
        land_git(fresh, [shop.folder])
        assert raw_tables(home) == raw_tables(fresh)


def test_tag_that_moved_leaves_nothing_behind(
    home: Home, shop: Repository, declared: Callable[[str], None], tmp_path: Path
) -> None:
    """Nor does one that was deleted, or whose declaration was."""
    declared("shop,v*,production,")
    shop.commit("One")
    shop.tag("v1")
    shop.commit("Two")
    shop.tag("v2")
    land_git(home, [shop.folder])
    shop.commit("Three")
    shop.git("tag", "-f", "v2", "HEAD")
    shop.git("tag", "-d", "v1")
    land_git(home, [shop.folder])
    fresh = Home(tmp_path / "fresh")
    land_git(fresh, [shop.folder])
    assert raw_tables(home) == raw_tables(fresh)
    declared("other,v*,production,")
    land_git(home, [shop.folder])
    assert rows(home, "select * from deployments") == []


def test_accounts_that_a_third_one_joins_are_one_person(home: Home, shop: Repository) -> None:
    """Two names of one person count once, though the commit that says so comes last."""
    shop.commit("One", author="Ada Example <ada@one.invalid>")
    shop.commit("Two", author="Ada Sample <ada@two.invalid>")
    shop.commit("Three", author="Ada Example <ada@three.invalid>")
    shop.commit("Four", author="Ada Sample <ada@three.invalid>")
    land_git(home, [shop.folder])
    # The fixture's own first commit is Ada Example's too.
    assert len(rows(home, "select distinct author_key from commits")) == 1


def test_squash_by_the_host_is_of_who_opened_the_change(home: Home, shop: Repository) -> None:
    """Though another person wrote all commits of its branch."""
    shop.branch("topic", "main")
    shop.commit("Work", author=BO)
    shop.git("update-ref", "refs/pull/7/head", "HEAD")
    shop.git("checkout", "-q", "main")
    sha = shop.commit("Work (#7)", author=CLEO, committer="GitHub <noreply@github.com>")
    land_git(home, [shop.folder])
    query = f"select author_key from commits where commit_sha = '{sha}'"
    assert rows(home, "select author_key from changes") == rows(home, query)


@pytest.mark.parametrize("blank", ["\n", "revert a/", "fixes  ", " ", "co-authored-by:  "])
def test_no_message_holds_a_landing_up(blank: str) -> None:
    """One committer must not be able to stall it: four times the text takes no 16 times as long."""

    def seconds(times: int) -> float:
        message = f"revert{blank * times}x"
        before = time.process_time()
        derive.commit({"message": message})
        derive.change({"title": message, "body": message, "branch": message, "labels": None})
        derive.linked_work_items({"title": message, "body": message, "branch": None})
        list(derive.COAUTHOR.finditer(message))
        read_mentions(message)
        return time.process_time() - before

    short, long = (min(seconds(times) for _ in range(3)) for times in (2_000, 8_000))
    assert long < 10 * short + 0.02


def test_increments_equal_one_load(
    home: Home, shop: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the history is cut into loads, the same rows come of it."""
    for number in range(1, 6):
        shop.branch(f"topic{number}", "main")
        shop.commit("Work", author=BO)
        shop.merge(f"Merge pull request #{number} from bo/topic{number}", f"topic{number}")
        trailer = f"\n\nPR-URL: https://host.invalid/pull/{number + 20}"
        shop.commit(f"One{trailer}", author=ADA)
        shop.commit(f"Two{trailer}", author=ADA)
        land_git(home, [shop.folder])
    whole, pieces = Home(tmp_path / "whole"), Home(tmp_path / "pieces")
    land_git(whole, [shop.folder])
    monkeypatch.setattr(changes, "CHUNK_STEPS", 2)
    land_git(pieces, [shop.folder])
    assert raw_tables(home) == raw_tables(whole) == raw_tables(pieces)


KILLED = """
import os, signal, sys
from pathlib import Path
from orchestration.home import Home
from orchestration.landing import git
from orchestration.landing.git import changes
changes.CHUNK_STEPS = 2
def say(line):
    if "4 of" in line:
        os.kill(os.getpid(), signal.SIGKILL)
git.land_git(Home(Path(sys.argv[1])), [Path(sys.argv[2])], say=say)
"""


def test_killed_load_goes_on(
    home: Home, shop: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was in stays in and is not read again; in the end nothing differs."""
    for number in range(1, 8):
        shop.commit(f"Work (#{number})", author=BO)
    command = [sys.executable, "-c", KILLED, str(home.root), str(shop.folder)]
    killed = subprocess.run(command, cwd=PROJECT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert rows(home, "select count(*) from commits") == [(4,)]
    monkeypatch.setattr(changes, "CHUNK_STEPS", 2)
    done = land_git(home, [shop.folder])
    assert done.counts["commits"].rows_read == 4
    other = Home(tmp_path / "other")
    land_git(other, [shop.folder])
    assert raw_tables(home) == raw_tables(other)


def test_loaded_to_is_the_last_fetch(home: Home, shop: Repository, tmp_path: Path) -> None:
    """A fetch that brings nothing still says that nothing happened; a checkout does not."""
    clone = tmp_path / "clone"
    shop.git("clone", "-q", str(shop.folder), str(clone))
    for path in (clone / ".git").rglob("*"):
        os.utime(path, (START.timestamp() + 36000, START.timestamp() + 36000))
    land_git(home, [clone])
    mark = "select loaded_to from door.connections"
    assert rows(home, mark) == [(datetime(2026, 3, 2, 19),)]
    (clone / ".git" / "HEAD").touch()
    assert land_git(home, [clone]).unchanged == ["clone"]
    assert rows(home, mark) == [(datetime(2026, 3, 2, 19),)]
    (clone / ".git" / "FETCH_HEAD").touch()
    os.utime(clone / ".git" / "FETCH_HEAD", (START.timestamp() + 72000,) * 2)
    land_git(home, [clone])
    assert rows(home, mark) == [(datetime(2026, 3, 3, 5),)]


def test_local_branch_is_not_the_main_line(home: Home, shop: Repository, tmp_path: Path) -> None:
    """A work tree may stand anywhere; the remote's default branch counts."""
    clone = Repository(tmp_path / "other" / "work")
    clone.git("remote", "add", "origin", str(shop.folder))
    clone.git("fetch", "-q", "origin")
    clone.git("remote", "set-head", "origin", "main")
    clone.branch("mine", "origin/main")
    clone.commit("Mine alone")
    land_git(home, [clone.folder])
    assert rows(home, "select commit_sha from commits") == [(shop.head(),)]


# What cannot be read


def test_repository_names() -> None:
    """Neither host nor credentials are part of a name."""
    assert name_of_remote("https://ada:secret@host.invalid/shop/checkout.git") == "shop/checkout"
    assert name_of_remote("git@host.invalid:shop/checkout.git") == "shop/checkout"
    assert name_of_remote("ssh://git@host.invalid:22/shop/sub/checkout/") == "shop/sub/checkout"
    assert name_of_remote("/srv/shop.git") is None
    assert name_of_remote("file:///srv/shop.git") is None
    assert name_of_remote(None) is None


def test_name_of_bare_repositories(home: Home, shop: Repository, tmp_path: Path) -> None:
    """A bare repository is named after its folder, or the one above it."""
    for path in ("plain.git", "shop+checkout/repo"):
        shop.git("clone", "-q", "--bare", str(shop.folder), str(tmp_path / path))
        shop.git(f"--git-dir={tmp_path / path}", "remote", "remove", "origin")
    done = land_git(home, [tmp_path / "plain.git", tmp_path / "shop+checkout/repo"])
    assert done.repositories == ["plain", "shop/checkout"]
    assert land_git(home, [shop.folder], name="named/so").repositories == ["named/so"]


@pytest.fixture
def refused(home: Home, capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What is said of paths that cannot be read; nothing lands and git's words stay inside."""

    def land(*paths: Path) -> str:
        with pytest.raises(FlowgrainError) as error:
            land_git(home, list(paths))
        assert capfd.readouterr() == ("", "")
        if home.vault.exists():
            assert not any(raw_tables(home).values())
        return str(error.value)

    return land


def test_no_repository(refused: Callable[..., str], shop: Repository, tmp_path: Path) -> None:
    """One clear line each, before anything lands."""
    (tmp_path / "file").write_text("")
    (shop.folder / "inner").mkdir()
    assert "is not a folder" in refused(shop.folder, tmp_path / "missing")
    assert "is not a folder" in refused(shop.folder, tmp_path / "file")
    assert "is not a git repository" in refused(shop.folder, shop.folder / "inner")
    assert "both the repository shop" in refused(shop.folder, shop.folder)
    assert "holds no commits" in refused(shop.folder, Repository(tmp_path / "empty").folder)


def test_head_that_names_no_branch(refused: Callable[..., str], shop: Repository) -> None:
    """The remedy is to say which branch is the default."""
    shop.git("symbolic-ref", "HEAD", "refs/heads/gone")
    assert "git symbolic-ref HEAD" in refused(shop.folder)


def test_shallow_clone(refused: Callable[..., str], shop: Repository, tmp_path: Path) -> None:
    """A history that is cut off would make every first commit a beginning."""
    shop.commit("Second")
    url = f"file://{shop.folder}"
    shop.git("clone", "-q", "--depth", "1", url, str(tmp_path / "shallow"))
    assert "git fetch --unshallow" in refused(tmp_path / "shallow")


@pytest.mark.parametrize("what", ["HEAD~1", "HEAD~1^{tree}", "HEAD:file2.txt"])
def test_missing_objects(refused: Callable[..., str], shop: Repository, what: str) -> None:
    """Damage is told with the way to look into it."""
    shop.commit("Second")
    shop.commit("Third")
    sha = shop.git("rev-parse", what)
    (shop.folder / ".git/objects" / sha[:2] / sha[2:]).unlink()
    assert "git fsck" in refused(shop.folder)


def test_partial_clone(home: Home, shop: Repository, tmp_path: Path) -> None:
    """Without the files' content everything lands but the lines, and nothing is fetched."""
    shop.commit("Second", file="second.txt")
    shop.git("config", "uploadpack.allowFilter", "true")
    target = tmp_path / "partial.git"
    url = f"file://{shop.folder}"
    shop.git("clone", "-q", "--bare", "--filter=blob:none", url, str(target))
    before = sorted(p.name for p in target.rglob("*"))
    said: list[str] = []
    land_git(home, [target], say=said.append)
    assert sorted(p.name for p in target.rglob("*")) == before
    assert rows(home, "select count(*), count(additions) from commit_files") == [(2, 0)]
    assert "--refetch" in said[0]


def test_git_is_not_installed(
    refused: Callable[..., str], shop: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one program that is needed besides Python."""
    monkeypatch.setenv("PATH", "")
    assert "Install git" in refused(shop.folder)


def test_repository_cannot_run_programs(home: Home, shop: Repository, tmp_path: Path) -> None:
    """A clone's own configuration names programs; none of them runs."""
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    shop.commit("Attributes", file=".gitattributes", content="* diff=trap\n")
    for key in ("core.fsmonitor", "core.pager", "diff.external", "diff.trap.textconv",
                "diff.trap.command", "gpg.program", "core.sshCommand"):  # fmt: skip
        shop.git("config", key, str(trap))
    shop.git("config", "log.showSignature", "true")
    shop.git("config", "remote.origin.url", "ext::sh -c trap")
    (tmp_path / "sprung").unlink(missing_ok=True)
    land_git(home, [shop.folder], name="shop")
    assert rows(home, "select count(*) from commits") == [(2,)]
    assert not (tmp_path / "sprung").exists()
