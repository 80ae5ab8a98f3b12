"""Clones of public repositories against the counts that another reader took of them.

FLOWGRAIN_CLONES names a folder with a clone or a bare repository per `owner/name`, as
`owner/name`, `owner+name`, `owner+name/repo` or either with `.git`; what is missing is skipped.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from orchestration.home import PROJECT, Home
from orchestration.landing.derive import COAUTHOR
from orchestration.landing.git import land_git
from orchestration.landing.git.clone import Clone
from orchestration.landing.git.mentions import MERGE_SUBJECTS, read_mentions
from orchestration.landing.identity import canonical

HISTORY = "from commits join history using (commit_sha)"
STATS = PROJECT.parent / "shared" / "data" / "git_stats.json"
REPOSITORIES = ("pallets/flask", "jupyterhub/mybinder.org-deploy")


@dataclass
class Checked:
    """A clone that landed, and what is to be compared with it."""

    name: str
    clone: Clone
    vault: duckdb.DuckDBPyConnection
    stats: dict[str, int]

    def count(self, sql: str) -> int:
        """One number of the vault."""
        found = self.vault.execute(sql).fetchone()
        assert found is not None
        return int(found[0])

    def shas(self, condition: str) -> set[str]:
        """Landed commits of the default branch for which a condition holds."""
        rows = self.vault.execute(f"select commit_sha {HISTORY} where {condition}").fetchall()
        return {sha for (sha,) in rows}

    def in_history(self) -> list[tuple[str, list[str], str, str]]:
        """Hash, parents, message and address of every commit of the default branch."""
        tokens = self.clone.tokens("log", "-z", "--format=%H%x00%P%x00%B%x00%aE", self.clone.tip)
        text = [token.decode("utf-8", "replace") for token in tokens]
        return [
            (text[i], text[i + 1].split(), text[i + 2], text[i + 3]) for i in range(0, len(text), 4)
        ]


def find(name: str) -> Path:
    """The clone of a repository, or the reason why it is not looked at."""
    folder = os.environ.get("FLOWGRAIN_CLONES")
    if not folder:
        pytest.skip("FLOWGRAIN_CLONES names no folder of clones")
    if not STATS.exists():
        pytest.skip("git_stats.json is not beside the project")
    flat = name.replace("/", "+")
    for path in (name, f"{name}.git", f"{flat}/repo", flat, f"{flat}.git"):
        if (Path(folder) / path).is_dir():
            return Path(folder) / path
    pytest.skip(f"no clone of {name} in FLOWGRAIN_CLONES")


@pytest.fixture(scope="module", params=REPOSITORIES)
def checked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Checked]:
    """Land a clone once for all comparisons."""
    name = request.param
    path = find(name)
    stats = json.loads(STATS.read_text())[name]
    clone = Clone(path, name)
    if clone.tip != stats["head"]:
        pytest.skip(f"the clone of {name} is at another commit than git_stats.json")
    home = Home(tmp_path_factory.mktemp("oracle") / "home")
    land_git(home, [path], name=name)
    with duckdb.connect(str(home.vault), read_only=True) as vault:
        vault.execute("use raw_git")
        # Branches known by pull refs alone land too; the counts are of the default branch.
        vault.execute("create temp table history (commit_sha varchar)")
        rows = Checked(name, clone, vault, stats)
        vault.execute(
            "insert into history select unnest(?::varchar[])", [[c[0] for c in rows.in_history()]]
        )
        yield rows


def test_commits(checked: Checked) -> None:
    """Every commit of the default branch, merges and the main line: equal."""
    assert checked.count(f"select count(*) {HISTORY}") == checked.stats["commits"]
    merges = checked.count(f"select count(*) {HISTORY} where parent_count > 1")
    assert merges == checked.stats["merges"]
    assert (
        checked.count("select count(*) from commits where is_mainline")
        == (checked.stats["mainline"])
    )


def test_changes(checked: Checked) -> None:
    """Changes are what the main line merges: equal, and each has commits and a known time."""
    assert checked.count("select count(*) from changes") == checked.stats["mainline_with_pr"]
    assert checked.count("select count(*) from changes where merged_at is null") == 0
    assert (
        checked.count("select count(*) from changes anti join change_commits using (change_id)")
        == 0
    )


def test_styles(checked: Checked) -> None:
    """How changes merged, over the whole history, so on other branches than the main line too.

    Two merges of flask say `Merge pull request #N` and no more; the reference asks for ` from`.
    It counts 1,318 numbers in flask's history, which its own 1,196 + 322 commits contradict: they
    hold 1,516, as `git log --format=%s | grep -oE` says as well. So that count is compared for
    the other repository alone.
    """
    styles: Counter[str] = Counter()
    numbers: set[str] = set()
    for _, _, message, _ in checked.in_history():
        subject = message.partition("\n")[0]
        if not (mentions := read_mentions(message)):
            continue
        if re.fullmatch(r"Merge pull request #\d+", subject):
            styles["bare"] += 1
            continue
        numbers |= {mention.change_id for mention in mentions}
        is_merge = any(pattern.match(subject) for pattern in MERGE_SUBJECTS)
        styles["merge" if is_merge else "squash"] += 1
    is_flask = checked.name == "pallets/flask"
    assert styles["squash"] == checked.stats["style_squash"]
    assert styles["merge"] == checked.stats["style_merge"]
    assert styles["bare"] == (2 if is_flask else 0)
    assert len(numbers) == (1516 if is_flask else checked.stats["prs_in_history"])


def test_authors(checked: Checked) -> None:
    """The reference counts addresses; accounts of one name are one person here: never more."""
    addresses = {address.lower() for *_, address in checked.in_history()}
    assert len(addresses) == checked.stats["authors"]
    people = checked.count(f"select count(distinct author_key) {HISTORY}")
    assert 0.75 * checked.stats["authors"] < people <= checked.stats["authors"]


def test_reverts(checked: Checked) -> None:
    """Every revert of the reference, and two more in each repository.

    It knows a subject that begins with the word `revert`, and git's own sentence up to its full
    stop. Ours also reads `Backout`, `reverting` and the sentence in other words.
    """
    own = re.compile(r"^This reverts commit [0-9a-f]{7,40}\.\s*$", re.MULTILINE)
    with_sha, narrow = set(), set()
    for sha, _, message, _ in checked.in_history():
        if own.search(message):
            with_sha.add(sha)
        if sha in with_sha or re.match(r"revert\b", message, re.IGNORECASE):
            narrow.add(sha)
    assert len(narrow) == checked.stats["reverts"]
    landed = checked.shas("is_revert")
    assert narrow <= landed
    assert len(landed - narrow) == 2
    landed = checked.shas("reverts_commit_sha is not null")
    assert with_sha <= landed
    assert len(landed) == checked.stats["reverts_with_sha"] + 1


def test_coauthors(checked: Checked) -> None:
    """Every commit with a trailer, but where it names nobody besides its author."""
    trailers, alone = set(), set()
    for sha, _, message, author in checked.in_history():
        if named := {canonical(m["email"]) for m in COAUTHOR.finditer(message)}:
            trailers.add(sha)
            if named == {canonical(author)}:
                alone.add(sha)
    assert len(trailers) == checked.stats["coauthored"]
    rows = checked.vault.execute(
        "select distinct commit_sha from commit_coauthors join history using (commit_sha)"
    ).fetchall()
    assert {sha for (sha,) in rows} == trailers - alone


def test_tags(checked: Checked) -> None:
    """Tags are read, and none is a deployment without its declaration."""
    tags = list(checked.clone.lines("for-each-ref", "--format=%(objecttype)", "refs/tags"))
    assert len(tags) == checked.stats["tags"]
    assert tags.count("tag") == checked.stats["tags_annotated"]
    assert checked.count("select count(*) from deployments") == 0
