"""A connection that is over holds nothing back, and what it brought stays."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.doctor import examine
from orchestration.errors import FlowgrainError
from orchestration.home import Home
from orchestration.landing.connections import disconnect
from orchestration.landing.door import Door
from orchestration.landing.files import land_files

COMMITS = """\
repository,commit_sha,author,authored_at,committed_at
demo/checkout,a1,ada@shop.invalid,2026-03-01T09:00:00Z,2026-03-01T10:00:00Z
"""


def arrive(home: Home, connection: str, day: int) -> None:
    """Land nothing new of a repository, up to a day of March."""
    with Door(home, "git") as door:
        end = datetime(2026, 3, day, tzinfo=UTC)
        door.arrive(connection, loaded_to=end, position=f"day {day}")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Files up to the end of March, and a repository that was archived on the 10th."""
    made = Home(tmp_path / "home")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "commits.csv").write_text(COMMITS)
    land_files(made, tmp_path / "files", loaded_to=datetime(2026, 3, 31, tzinfo=UTC))
    arrive(made, "lost/attic", 10)
    return made


def reaches(home: Home) -> datetime:
    """Up to when every connection is loaded: weeks close by it (int_as_of)."""
    with duckdb.connect(str(home.vault), read_only=True) as vault:
        [(loaded_to,)] = vault.execute("select min(loaded_to) from door.connections").fetchall()
    return loaded_to


def position(home: Home) -> str | None:
    """Where the repository's last load ended."""
    with Door(home, "git") as door:
        return door.position("lost/attic")


def test_who_is_disconnected_holds_nothing_back_and_what_landed_stays(home: Home) -> None:
    assert reaches(home) == datetime(2026, 3, 10)
    behind = [line for line in examine(home)["Freshness"] if "behind" in line]
    assert len(behind) == 1
    assert "or disconnected" in behind[0]
    disconnect(home, "git", "lost/attic")
    assert reaches(home) == datetime(2026, 3, 31)
    assert not [line for line in examine(home)["Freshness"] if "git" in line]
    with duckdb.connect(str(home.vault), read_only=True) as vault:
        assert vault.execute("select count(*) from raw_files.commits").fetchall() == [(1,)]
    # It goes on where it ended; once landed again, somebody waits for it again.
    assert position(home) == "day 10"
    arrive(home, "lost/attic", 20)
    assert reaches(home) == datetime(2026, 3, 20)


def test_what_is_no_connection_or_the_only_one_is_refused(home: Home, tmp_path: Path) -> None:
    with pytest.raises(FlowgrainError, match="git has no connection of that name"):
        disconnect(home, "git", "lost/cellar")
    disconnect(home, "git", "lost/attic")
    with pytest.raises(FlowgrainError, match="the only connection"):
        disconnect(home, "files", "files")
    assert reaches(home) == datetime(2026, 3, 31)
    with pytest.raises(FlowgrainError, match="Nothing has landed yet"):
        disconnect(Home(tmp_path / "nowhere"), "git", "lost/attic")
