"""The draft of the organisation: from CODEOWNERS and what has landed, and never a person's name."""

import csv
import os
import subprocess
from pathlib import Path

import pytest

from orchestration.build import build
from orchestration.errors import FlowgrainError
from orchestration.home import PROJECT, Home
from orchestration.init import draft, read_codeowners
from orchestration.landing.files import land_files

CODEOWNERS = """\
# Who is asked for a review
*                 @shop/platform
/services/basket/ @shop/checkout @ada
/services/card/   @shop/cards bo@shop.invalid @shop/audit
/services/**      @cleo   # a person
/services/card/   @shop/cards
*.sql             @shop/data
/docs/*           @shop/writers
"""
FOLDERS = ("services/basket", "services/card", "docs")
Rows = list[dict[str, str]]


def commit(folder: Path, files: dict[str, str]) -> Path:
    """Make a repository with one commit."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@shop.invalid")
    for command in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "Begin")):
        subprocess.run(["git", *identity, *command], cwd=folder, check=True, env=clean)
    return folder


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with a file in each of its folders."""
    files = {f"{folder}/file.txt": "" for folder in FOLDERS}
    return commit(tmp_path / "shop", {**files, ".github/CODEOWNERS": CODEOWNERS})


def read(folder: Path, seed: str) -> Rows:
    """Rows of one seed."""
    with (folder / f"{seed}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def owned(folder: Path) -> dict[tuple[str, str], str]:
    """Label of the owning team by repository and prefix."""
    labels = {row["team_key"]: row["team_label"] for row in read(folder, "teams")}
    owners = {row["system_key"]: labels[row["team_key"]] for row in read(folder, "system_owners")}
    return {
        (row["repository"], row["path_prefix"]): owners[row["system_key"]]
        for row in read(folder, "system_paths")
    }


def land_two_repositories(home: Home, folder: Path) -> None:
    """Land changes of two repositories that no seed knows."""
    folder.mkdir()
    (folder / "changes.csv").write_text(
        "repository,change_id,author,opened_at,merged_at\n"
        "lab/one,1,ada@shop.invalid,2026-03-02T09:00:00Z,2026-03-04T09:00:00Z\n"
        "two,1,ada@shop.invalid,2026-03-02T09:00:00Z,2026-03-04T09:00:00Z\n"
    )
    land_files(home, folder)


def test_teams_own_their_paths_and_people_leave_theirs(tmp_path: Path, clone: Path) -> None:
    """The person's line undoes the narrower ones before it, as the hosts have it."""
    lines = draft(Home(tmp_path / "home"), tmp_path / "seeds", [clone])
    assert owned(tmp_path / "seeds") == {
        ("shop", ""): "shop/platform",
        ("shop", "services/card/"): "shop/cards",
        ("shop", "docs/"): "shop/writers",
    }
    place = "shop, .github/CODEOWNERS"
    assert f"{place}, line 4: 2 teams; the first was taken" in lines
    assert f"{place}, line 7: skipped, its wildcard is no prefix" in lines
    assert any(line.startswith(f"{place}, line 8: taken for everything in docs/") for line in lines)
    assert any(line.startswith(f"{place}: 1 path of people left") for line in lines)
    assert any("FLOWGRAIN_ORGANISATION=" in line for line in lines)


def test_nobody_is_named(tmp_path: Path, clone: Path) -> None:
    """Neither in the seeds nor in what is said about them."""
    lines = draft(Home(tmp_path / "home"), tmp_path / "seeds", [clone])
    texts = [path.read_text() for path in (tmp_path / "seeds").iterdir()]
    said = "\n".join([*lines, *texts]).replace(str(tmp_path), "")
    for person in ("ada", "bo@", "cleo"):
        assert person not in said


def test_a_bare_repository_says_the_same(tmp_path: Path, clone: Path) -> None:
    """It has no work tree to read from."""
    bare = tmp_path / "bare" / "shop.git"
    subprocess.run(["git", "clone", "-q", "--bare", clone, bare], check=True)
    draft(Home(tmp_path / "home"), tmp_path / "one", [clone])
    draft(Home(tmp_path / "home"), tmp_path / "two", [bare])
    assert owned(tmp_path / "one") == owned(tmp_path / "two")


def test_what_has_landed_gets_a_system_each(tmp_path: Path) -> None:
    """Without a single CODEOWNERS file every number still has an owner."""
    home = Home(tmp_path / "home")
    land_two_repositories(home, tmp_path / "files")
    draft(home, tmp_path / "seeds", [])
    assert owned(tmp_path / "seeds") == {("lab/one", ""): "lab", ("two", ""): "Team of everything"}
    assert [row["system_key"] for row in read(tmp_path / "seeds", "systems")] == ["s_001", "s_002"]


def test_a_second_draft_adds_only_what_is_new(tmp_path: Path, clone: Path) -> None:
    """What somebody has corrected stays, to the letter."""
    home, folder = Home(tmp_path / "home"), tmp_path / "seeds"
    draft(home, folder, [clone])
    teams = folder / "teams.csv"
    corrected = teams.read_text().replace("shop/platform,default", "Platform,berlin").rstrip("\n")
    teams.write_text(corrected)
    before = {path: path.read_text() for path in folder.iterdir()}
    assert draft(home, folder, [clone])[-1].startswith("Nothing to add")
    assert {path: path.read_text() for path in folder.iterdir()} == before
    land_two_repositories(home, tmp_path / "files")
    draft(home, folder, [clone])
    assert teams.read_text() == corrected + "\nt_04,lab,default\nt_05,Team of everything,default\n"


def test_the_draft_has_the_columns_of_the_demo_and_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a whole organisation, if a coarse one."""
    home, folder = Home(tmp_path / "home"), tmp_path / "seeds"
    land_two_repositories(home, tmp_path / "files")
    draft(home, folder, [])
    for demo in (PROJECT / "seeds/organisation").glob("*.csv"):
        header = demo.read_text().splitlines()[0]
        assert (folder / demo.name).read_text().splitlines()[0] == header
    monkeypatch.setenv("FLOWGRAIN_ORGANISATION", str(folder))
    assert build(home)["seed"] > 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[Code]\n* @a/one\n[Prose] @a/two\n*\ndocs/", {"": "a/one", "docs/": "a/two"}),
        ("^[Code][2] @a/one\n/docs", {"docs/": "a/one"}),
        ("* @a/one\n/docs/\n", {"": "a/one", "docs/": None}),
        ("/docs/ @a/one\n* @a/two", {"": "a/two"}),
        ("/docs/ @a/one\n/* @a/two", {"": "a/two", "docs/": "a/one"}),
        ("/my\\ docs/ @a/one", {"my docs/": "a/one"}),
        ("/docs/**/* @a/b/c", {"docs/": "a/b/c"}),
        ("!/docs/\n/none/ @a/one\n/docs/*.md @a/one\nREADME.md @a/one\n[x]*/ @a/one", {}),
        ("* @@maintainer\n/docs/ @group", {"": None, "docs/": None}),
    ],
)
def test_codeowners_in_all_its_dialects(text: str, expected: dict[str, str | None]) -> None:
    """GitHub's lines and GitLab's sections come down to prefixes and teams."""
    found = read_codeowners(text.splitlines(), {"docs/", "my docs/", "src/docs/"})
    assert {prefix: rule.team for prefix, rule in found.rules.items()} == expected


def test_nothing_to_draft_from_is_said_plainly(tmp_path: Path) -> None:
    """No folder is made for nothing."""
    with pytest.raises(FlowgrainError, match="--clone"):
        draft(Home(tmp_path / "home"), tmp_path / "seeds", [])
    assert not (tmp_path / "seeds").exists()


def test_a_file_of_another_form_is_left_alone(tmp_path: Path, clone: Path) -> None:
    """Whatever it is, it is not ours to add to."""
    folder = tmp_path / "seeds"
    folder.mkdir()
    (folder / "teams.csv").write_text("name,lead\n")
    with pytest.raises(FlowgrainError, match=r"teams\.csv"):
        draft(Home(tmp_path / "home"), folder, [clone])
    assert [path.name for path in folder.iterdir()] == ["teams.csv"]
