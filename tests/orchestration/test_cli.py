"""The command line says in one line what is wrong and how to put it right."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

FLOWGRAIN = str(Path(sys.executable).with_name("flowgrain"))


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One command on an installation of its own."""
    environment = {**os.environ, "FLOWGRAIN_HOME": str(home), "TERM": "dumb", "COLUMNS": "200"}
    return subprocess.run(
        [FLOWGRAIN, *arguments], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["land", "files", "nowhere"], "nowhere is not a folder"),
        (["land", "git", "nowhere"], "nowhere"),
        (["build"], "Nothing has landed yet"),
        (["publish"], ""),
        (["summary"], ""),
        (["verify"], ""),
        (["export", "nowhere"], ""),
        (["docs", "nowhere"], ""),
        (["doctor"], ""),
        (["land", "files", ".", "--loaded-to", "2026-03-31"], "--loaded-to is no time with a zone"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    done = run(tmp_path / "home", *arguments)
    assert done.returncode in (1, 3)
    said = (done.stdout + done.stderr).strip()
    assert said.startswith("flowgrain: ")
    assert words in said
    assert "\n" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "arguments", [["land", "demo", "--hash", "md5"], ["publish", "--force"], ["land", "mainframe"]]
)
def test_an_unknown_option_or_source_is_refused(tmp_path: Path, arguments: list[str]) -> None:
    done = run(tmp_path / "home", *arguments)
    assert done.returncode == 2
    assert "No such" in done.stderr
    assert not (tmp_path / "home" / "vault").exists()


def test_a_home_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(tmp_path / "file", "land", "demo")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "Set FLOWGRAIN_HOME" in done.stderr


def test_an_unknown_target_is_refused(tmp_path: Path) -> None:
    """A slip of the pen must not pass for a target that demands no key."""
    done = run(tmp_path / "home", "land", "demo", "--target", "production")
    assert done.returncode == 2
    assert not (tmp_path / "home" / "vault").exists()


def test_what_is_loaded_cannot_lie_in_the_future(tmp_path: Path) -> None:
    """It would close buckets on half of their events."""
    done = run(tmp_path / "home", "land", "files", ".", "--loaded-to", "2999-01-01T00:00:00Z")
    assert done.returncode == 1
    assert "--loaded-to lies in the future" in done.stderr


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    """Before Dagster starts and says it in a hundred lines."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = run(tmp_path / "home", "dev", "--port", str(other.getsockname()[1]))
    assert done.returncode == 1
    assert "is taken" in done.stderr
