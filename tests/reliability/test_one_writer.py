"""R17 and R18: one writes at a time, and what runs short of room leaves what was there."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import build_lab
import duckdb
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.errors import FlowgrainError
from orchestration.home import PROJECT, Home
from orchestration.landing.door import Door

HOLD = """
import sys
from pathlib import Path
from orchestration.home import Home
with Home(Path(sys.argv[1])).writing():
    print("holds", flush=True)
    sys.stdin.read()
"""
LAND = """
import sys
from pathlib import Path
from orchestration.home import Home
from orchestration.landing.files import land_files
print("ready", flush=True)
sys.stdin.readline()
done = land_files(Home(Path(sys.argv[1])), Path(sys.argv[2]))
print(sum(counts.rows_inserted for counts in done.counts.values()), len(done.unchanged))
"""
MARK = datetime(2026, 4, 1, tzinfo=UTC)


def start(program: str | Path, *arguments: Path | str) -> "subprocess.Popen[str]":
    """A process that says when it is there, and goes on when it is told."""
    run = [str(program)] if isinstance(program, Path) else ["-c", program]
    process = subprocess.Popen(
        [sys.executable, *run, *map(str, arguments)],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    return process


@contextmanager
def held(home: Home) -> Iterator["subprocess.Popen[str]"]:
    """The writer's lock in the hands of another process."""
    holder = start(HOLD, home.root)
    try:
        yield holder
    finally:
        holder.kill()
        holder.communicate()


@pytest.mark.parametrize("command", [["land", "demo"], ["build"], ["publish"], ["replay"]])
def test_whoever_comes_second_is_told_who_is_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    home = Home(tmp_path / "home")
    with Door(home, "files", is_demo=True):
        pass
    monkeypatch.setenv("FLOWGRAIN_HOME", str(home.root))
    monkeypatch.setattr("orchestration.home.WAIT_SECONDS", 0.3)
    monkeypatch.setattr("orchestration.landing.demo.write_demo", lambda folder, **_: land(folder))
    # The gate's own check of the project takes its time and has a lock of its own.
    monkeypatch.setattr("orchestration.floor_guard.publish.compile_project", lambda *_, **__: {})
    monkeypatch.setattr("orchestration.floor_guard.publish.check_project", lambda *_: [])
    with held(home) as holder:
        done = CliRunner().invoke(app, command)
        assert done.exit_code == os.EX_TEMPFAIL, done.output
        assert f"pid {holder.pid}" in " ".join(done.output.split())


def land(folder: Path) -> None:
    """A file of the contract."""
    folder.mkdir(exist_ok=True)
    (folder / "work_items.csv").write_text("work_item_id,created_at\nA-1,2026-03-01T00:00:00Z\n")


def test_whoever_died_holds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path / "home")
    monkeypatch.setattr("orchestration.home.WAIT_SECONDS", 5.0)
    with held(home) as holder:
        holder.kill()
        holder.wait()
        assert (home.root / ".lock").read_text() == str(holder.pid)
        with home.writing():
            assert (home.root / ".lock").read_text() == str(os.getpid())


def test_of_two_landings_at_once_one_lands_and_the_other_finds_it_there(tmp_path: Path) -> None:
    home, folder = Home(tmp_path / "home"), tmp_path / "files"
    land(folder)
    both = [start(LAND, home.root, folder) for _ in range(2)]
    for process in both:
        told(process)
    counts = sorted(process.communicate(timeout=120)[0].split() for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert counts == [["0", "1"], ["1", "0"]]
    with duckdb.connect(str(home.vault), read_only=True) as vault:
        assert vault.execute("select count(*) from raw_files.work_items").fetchall() == [(1,)]
        assert vault.execute("select count(*) from door.loads").fetchall() == [(1,)]


def test_of_two_builds_at_once_one_waits_and_none_is_half_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So does a landing; whoever will not wait is told who is at work."""
    home, folder = Home(tmp_path / "home"), tmp_path / "files"
    with Door(home, "files"):
        pass
    land(folder)
    program = Path(build_lab.__file__)
    first = start(program, home.root, "first")
    assert said(first) == "builds"
    second, landing = start(program, home.root, "second"), start(LAND, home.root, folder)
    told(landing)
    monkeypatch.setenv("FLOWGRAIN_HOME", str(home.root))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("orchestration.home.WAIT_SECONDS", 0.3)
        for command in (["build"], ["land", "files", str(folder)]):
            done = CliRunner().invoke(app, command)
            assert done.exit_code == os.EX_TEMPFAIL, done.output
            assert f"pid {first.pid}" in " ".join(done.output.split())
    assert second.poll() is landing.poll() is None
    told(first)
    told(second)
    for process in (first, second, landing):
        process.communicate(timeout=300)
        assert process.returncode == 0
    turns = (home.root / build_lab.TURNS).read_text().splitlines()
    assert turns == ["first builds", "first ends", "second builds", "second ends"]
    with duckdb.connect(str(home.vault), read_only=True) as vault:
        assert vault.execute("select count(*) from raw_files.work_items").fetchall() == [(1,)]
        assert vault.execute("from flowgrain_vault.stg_canonical__changes").fetchall() == []
        for seed in (PROJECT / "seeds/organisation").glob("*.csv"):
            [(rows,)] = vault.execute(
                f'select count(*) from flowgrain_seeds."{seed.stem}"'
            ).fetchall()
            assert rows == len(seed.read_text().splitlines()) - 1, seed.stem


def said(process: "subprocess.Popen[str]") -> str:
    """What a process says next, once it does."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def told(process: "subprocess.Popen[str]") -> None:
    """Let a process go on as soon as it listens."""
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own that is full soon."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system can be mounted by root only")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Not a byte left on a disk, as long as it lasts."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    yield
    ballast.unlink()


def test_a_build_on_a_full_disk_says_so_leaves_the_release_and_can_be_run_again(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(small_disk / "home")
    home.vault.parent.mkdir(parents=True)
    # What dbt writes of itself lies elsewhere, so that it gets as far as the vault.
    (tmp_path / "ops").mkdir()
    home.ops.symlink_to(tmp_path / "ops")
    with Door(home, "files", is_demo=True) as door:
        with door.load("demo", origin="landed", loaded_to=MARK) as load:
            load.dicts("work_items", [{"work_item_id": "PAY-1", "created_at": MARK}])
    home.published.write_bytes(b"the release")
    monkeypatch.setenv("FLOWGRAIN_HOME", str(home.root))
    with filled(small_disk):
        with pytest.raises(FlowgrainError, match=f"The disk of {home.root} is full"):
            build_lab.build_some(home)
        (home.root / ".lock").unlink()
        for command in (["build"], ["land", "demo", "--scale", "0.01"]):
            done = CliRunner().invoke(app, command)
            assert done.exit_code == 1
            [line] = done.stderr.splitlines()
            assert str(small_disk) in line
    with duckdb.connect(str(home.vault), read_only=True) as vault:
        assert vault.execute("select work_item_id from raw_files.work_items").fetchall() == [
            ("PAY-1",)
        ]
    assert home.published.read_bytes() == b"the release"
    assert build_lab.build_some(home)["seed"] > 5


@pytest.mark.parametrize("command", ["build", "publish"])
@pytest.mark.parametrize(
    ("size", "free", "is_enough"),
    [(3_000_000, 8_900_000, False), (3_000_000, 9_000_000, True), (0, 0, True)],
)
def test_room_is_asked_for_before_anything_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, size: int, free: int,
    is_enough: bool,
) -> None:  # fmt: skip
    """Three times what is there, of which nothing may be there yet."""
    home = Home(tmp_path / "home").prepare()
    written = home.vault if command == "build" else home.published
    if size or command == "build":
        written.touch()
        os.truncate(written, size)

    def begin(*_: object) -> NoReturn:
        raise FlowgrainError("It began", "Go on")

    monkeypatch.setenv("FLOWGRAIN_HOME", str(home.root))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    monkeypatch.setattr("orchestration.build.open_vault", begin)
    monkeypatch.setattr("orchestration.build.run_dbt", begin)
    done = CliRunner().invoke(app, [command])
    refusal = f"{written} may need 9.0 MB of room, and 8.9 MB are free"
    assert done.exit_code == 1
    assert ("It began" if is_enough else refusal) in done.output
    assert (refusal in done.output) != is_enough


def test_a_landing_that_runs_out_of_memory_says_so_and_leaves_what_was_there(
    tmp_path: Path,
) -> None:
    home = Home(tmp_path / "home")

    def rows(first: int, last: int) -> pa.Table:
        keys = [f"PAY-{number}" for number in range(first, last)]
        return pa.table({"work_item_id": keys, "created_at": [MARK] * len(keys)})

    with Door(home, "files") as door:
        with door.load("files", origin="small", loaded_to=MARK) as load:
            load.rows("work_items", rows(0, 1000))
        door.vault.execute("set memory_limit = '12MB'")
        door.vault.execute("set max_temp_directory_size = '1MB'")
        with (
            pytest.raises(FlowgrainError, match="memory") as caught,
            door.load("files", origin="large", loaded_to=MARK) as load,
        ):
            load.rows("work_items", rows(0, 400_000))
        assert "PAY-" not in str(caught.value)
    with duckdb.connect(str(home.vault), read_only=True) as vault:
        assert vault.execute("select count(*) from raw_files.work_items").fetchall() == [(1000,)]
        assert vault.execute("select origin from door.loads").fetchall() == [("small",)]
