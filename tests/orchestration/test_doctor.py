"""The doctor names what keeps numbers from coming out, and never a person or a value."""

import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.build import build
from orchestration.doctor import CAPABILITIES, examine
from orchestration.errors import FlowgrainError
from orchestration.home import PROJECT, Home
from orchestration.landing.contract import entities
from orchestration.landing.files import land_files
from orchestration.landing.git import land_git

LOADED_TO = datetime(2026, 4, 6, tzinfo=UTC)
FILES = {
    "changes": """\
repository,change_id,author,opened_at,merged_at,merge_commit
demo/checkout,1,ada@shop.invalid,2026-03-02T09:00:00Z,2026-03-04T09:00:00Z,aa1
lost/attic,1,bo@shop.invalid,2026-03-02T09:00:00Z,2026-03-04T09:00:00Z,bb1
lost/attic,2,bo@shop.invalid,2026-03-02T09:00:00Z,2026-03-04T09:00:00Z,bb2
demo/checkout,2,cleo@shop.invalid,secret-of-cleo,2026-03-04T09:00:00Z,aa2
""",
    "change_reviews": """\
repository,change_id,review_id,kind,reviewer,submitted_at
demo/checkout,1,r1,approved,bo@shop.invalid,2026-03-03T09:00:00Z
demo/checkout,7,r2,approved,bo@shop.invalid,2026-03-03T09:00:00Z
demo/checkout,7,r3,commented,bo@shop.invalid,2026-03-03T09:00:00Z
""",
    "work_items": """\
work_item_id,work_type,created_at
PAY-1,feature,2026-03-01T09:00:00Z
""",
    "work_item_transitions": """\
work_item_id,status,changed_at
PAY-1,Parked,2026-03-02T09:00:00Z
PAY-1,in progress,2026-03-03T09:00:00Z
""",
    "deployments": """\
deployment_id,repository,environment,result,commit_sha,finished_at
d1,demo/checkout,moon,success,aa1,2026-03-05T09:00:00Z
""",
    "incidents": """\
incident_id,repository,severity,opened_at
i1,demo/checkout,annoying,2026-03-05T10:00:00Z
""",
    "survey_waves": """\
wave_id,opened_at,closed_at
w1,2026-03-02T09:00:00Z,2026-03-09T09:00:00Z
""",
    "survey_responses": """\
wave_id,respondent,team,item,score
w1,ada@shop.invalid,t_lost,overall,4
w1,ada@shop.invalid,t_lost,coffee,4
""",
    "headcounts": """\
quarter,team,people_count,leaver_count
2026-q1,t_99,9,1
""",
}
Sections = dict[str, list[str]]


def land(home: Home, folder: Path) -> None:
    """Land the files above, of which one row and several names fit nothing."""
    folder.mkdir()
    for name, text in FILES.items():
        (folder / f"{name}.csv").write_text(text)
    (folder / "identities.csv").write_text("alias,person\nada@shop.invalid,Ada\n")
    land_files(home, folder, loaded_to=LOADED_TO)


def land_clone(home: Home, folder: Path) -> None:
    """Land a clone that was last fetched ten days before the files were written."""
    commands = (
        ("init", "-q", "-b", "main"),
        ("commit", "-q", "--allow-empty", "-m", "Begin"),
    )
    folder.mkdir()
    for command in commands:
        subprocess.run(
            ["git", "-c", "user.name=Ada", "-c", "user.email=ada@shop.invalid", *command],
            cwd=folder,
            check=True,
            env={k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
            | {f"GIT_{who}_DATE": "2026-03-02T09:00:00Z" for who in ("AUTHOR", "COMMITTER")},
        )
    land_git(home, [folder], name="lost/attic", loaded_to=datetime(2026, 3, 27, tzinfo=UTC))


@pytest.fixture(scope="module")
def sections(tmp_path_factory: pytest.TempPathFactory) -> Sections:
    """What the doctor says of an installation with a fault of every kind."""
    folder = tmp_path_factory.mktemp("doctor")
    home = Home(folder / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("FLOWGRAIN_ORGANISATION", raising=False)
        land(home, folder / "files")
        land_clone(home, folder / "clone")
        build(home)
    return examine(home)


def test_names_without_a_row_in_the_seeds_are_listed(sections: Sections) -> None:
    """Somebody has to map them, and needs to know where."""
    lines = sections["Not mapped"]
    assert "repository lost/attic has no system; changes: 2 (system_paths.csv)" in lines
    assert "status Parked is not mapped; times taken: 1 (status_map.csv)" in lines
    assert "environment moon is not mapped; deployments: 1 (environments.csv)" in lines
    assert "incidents of a severity that is not mapped: 1 (severities.csv)" in lines
    assert "survey item coffee is not mapped; answers: 1 (survey_items.csv)" in lines
    assert "team t_lost is not known; answers that name it: 2 (teams.csv)" in lines
    assert "team t_99 is not known; quarters of headcounts: 1 (teams.csv)" in lines
    # ada is declared; bo opened two changes and reviewed another.
    assert any(
        line.startswith("1 of 2 who took part in changes are not declared") for line in lines
    )
    assert len(lines) == 8


def test_a_connection_that_is_behind_holds_the_others_back(sections: Sections) -> None:
    """Weeks close for all sources at once, so one name explains why none does."""
    lines = sections["Freshness"]
    assert "files: loaded to 2026-04-06 00:00 UTC, landed today" in lines
    assert any(line.startswith("git, lost/attic: 10 days behind the furthest") for line in lines)


def test_quarantined_rows_are_numbered_and_not_quoted(sections: Sections) -> None:
    """Where a row stands is enough to find it; what it says stays behind the door."""
    first, last = sections["Quarantined"]
    assert first == "changes, changes.csv, opened_at: 1 not_a_timestamp (rows 5; load 1)"
    assert last.split(", ")[0].endswith("door/quarantine")


def test_reviews_without_their_change_are_counted(sections: Sections) -> None:
    """They measure nothing until the change lands too."""
    assert sections["Orphans"] == ["2 of 3 reviews name what has not landed (changes: 1)"]


def test_a_missing_capability_is_said_in_words_with_its_columns(sections: Sections) -> None:
    """No production deployment has landed, and no change is open."""
    lines = sections["Not measurable"]
    deployments, start = CAPABILITIES["deployments"], CAPABILITIES["start"]
    assert f"stage_time (bot_stage dev; stage dev) needs to know {start.words}" in lines
    assert (
        f"flow_time (all; author_kind bot) needs to know {deployments.words} and {start.words}"
        in lines
    )
    assert not any(line.startswith("flow_velocity") for line in lines)
    assert (
        "when a change reached production: comes from "
        "deployments (environment, result, commit_sha, finished_at)"
    ) in lines


def test_no_line_holds_a_person_or_a_value(sections: Sections) -> None:
    """Whoever operates this may see the lines."""
    text = "\n".join(line for lines in sections.values() for line in lines)
    for private in ("shop.invalid", "secret-of-cleo"):
        assert private not in text
    assert not re.search(r"\bp1[a-z2-7]{26}\b", text)


def test_capabilities_are_those_of_the_series_and_of_the_contract() -> None:
    """A new capability must be put into words, and its columns must exist."""
    lines = (PROJECT / "seeds/catalogue/metric_series.csv").read_text().splitlines()
    position = lines[0].split(",").index("needs")
    assert {need for line in lines[1:] for need in line.split(",")[position].split("|")} == set(
        CAPABILITIES
    )
    for capability in CAPABILITIES.values():
        for way in capability.ways:
            for entity, columns in way.items():
                assert set(columns) <= set(entities()[entity].columns)


def test_quarantine_is_told_before_anything_is_built(tmp_path: Path) -> None:
    """`flowgrain land` sends people here at once."""
    home = Home(tmp_path / "home")
    land(home, tmp_path / "files")
    sections = examine(home)
    assert len(sections["Quarantined"]) == 2
    assert sections["Not measurable"] == ["not known yet: run `flowgrain build` first"]


def test_an_empty_home_is_said_plainly(tmp_path: Path) -> None:
    """The remedy is one command."""
    with pytest.raises(FlowgrainError, match="flowgrain land demo"):
        examine(Home(tmp_path))
    assert not list(tmp_path.iterdir())
