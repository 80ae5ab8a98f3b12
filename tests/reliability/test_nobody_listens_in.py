"""R21 to R23: loopback only, no command from elsewhere, no data that runs, no secret that shows."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import canaries
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from orchestration.build import run_dbt
from orchestration.cli import app
from orchestration.doctor import examine
from orchestration.errors import FlowgrainError
from orchestration.home import PROJECT, Home
from orchestration.landing.door import Door
from orchestration.landing.files import land_files
from orchestration.questions import Answer

FLOWGRAIN = str(Path(sys.executable).with_name("flowgrain"))
LISTENING = "0A"
LOOPBACK = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}
MARK = datetime(2026, 4, 1, tzinfo=UTC)
CORPUS = (*canaries.RUNNING, '=HYPERLINK("http://evil.invalid")')


def family(pid: int) -> set[int]:
    """A process and all that it started."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(words[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def listening(pids: set[int]) -> dict[str, set[int]]:
    """Addresses at which any of some processes listens, as the kernel writes them, with ports."""
    inodes = set()
    for pid in pids:
        for handle in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                target = os.readlink(handle)
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    found: dict[str, set[int]] = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == LISTENING and words[9] in inodes:
                address, port = words[1].split(":")
                found.setdefault(address, set()).add(int(port, 16))
    return found


def ask(port: int, query: str) -> str:
    """A question to Dagster as a page from elsewhere would have a browser put it."""
    words = urllib.parse.urlencode({"query": query})
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql?{words}", headers={"Origin": "http://evil.invalid"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return error.read().decode()


@pytest.fixture(params=["--read-only", ""])
def dagster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[int, int, bool]]:
    """Process, port and whether it only shows, of `flowgrain dev` once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = [request.param] if request.param else []
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [FLOWGRAIN, "dev", "--port", str(port), *options],
            cwd=PROJECT,
            env={**os.environ, "FLOWGRAIN_HOME": str(tmp_path / "home")},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + 180
        while port not in listening(family(process.pid)).get("0100007F", ()):
            assert process.poll() is None, (tmp_path / "log").read_text()[-2000:]
            assert time.monotonic() < until, "it never listened"
            time.sleep(0.2)
        yield process.pid, port, bool(options)
    finally:
        whole = family(process.pid)
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
        for pid in whole - {process.pid}:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own list of sockets is Linux's")
def test_dagster_listens_on_loopback_and_a_page_from_elsewhere_starts_nothing(
    dagster: tuple[int, int, bool],
) -> None:
    """Where it may be written, any page of the browser can: that is what --read-only is for."""
    pid, port, is_read_only = dagster
    paused = "{ instance { autoMaterializePaused } }"
    before = json.loads(ask(port, paused))["data"]["instance"]["autoMaterializePaused"]
    answer = ask(
        port, f"mutation {{ setAutoMaterializePaused(paused: {str(not before).lower()}) }}"
    )
    after = json.loads(ask(port, paused))["data"]["instance"]["autoMaterializePaused"]
    assert set(listening(family(pid))) <= LOOPBACK
    if is_read_only:
        assert "Unauthorized" in answer
        assert after == before


def test_data_is_never_more_than_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R22: in a cell, in a name of a file or of a folder, it lands as it is or is set aside."""
    monkeypatch.chdir(tmp_path)
    home = Home(tmp_path / 'it\'s {{ 7*7 }} %s "home"')
    folder = tmp_path / "x'; drop table raw_files.changes; --"
    folder.mkdir()
    names = ("repository", "change_id", "author", "title", "branch", "body", "labels")
    rows = [{name: text for name in names} for text in CORPUS]
    pq.write_table(pa.Table.from_pylist(rows), folder / "changes.parquet")
    surveys = [
        {"wave_id": "2026-q1", "respondent": f"ada{n}@shop.invalid", "team": text, "item": text,
         "score": "4", "comment": text}
        for n, text in enumerate(CORPUS)
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(surveys), folder / "survey_responses.parquet")
    (folder / "{% raw %}'; --.csv").write_text("a\n")
    done = land_files(home, folder, loaded_to=MARK)
    assert done.ignored_files == ["{% raw %}'; --.csv"]
    with Door(home, "files") as door:
        for text in CORPUS:
            with door.load(text, origin=text, loaded_to=MARK) as load:
                load.quarantine("changes", row=1, field=None, reason="not_json", payload=text)
            door.arrive(text, loaded_to=MARK, position=text)
            assert door.position(text) == text
    with duckdb.connect(str(home.vault), read_only=True) as vault:
        for column in ("repository", "change_id"):
            landed = vault.execute(f"select {column} from raw_files.changes").fetchall()
            assert sorted(text for (text,) in landed) == sorted(CORPUS)
        origins = vault.execute("select distinct origin from door.quarantine").fetchall()
        assert {origin for (origin,) in origins} >= set(CORPUS)
    assert len(examine(home)["Quarantined"]) > len(CORPUS)
    assert not list(tmp_path.rglob("pwned"))


def test_names_of_files_and_columns_are_shown_and_nothing_of_them_is_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R22, on a terminal: no markup, no escape."""
    monkeypatch.setenv("FLOWGRAIN_HOME", str(tmp_path / "home"))
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "work_items.csv").write_text(
        "work_item_id,created_at,[/bold] :bomb: \x1b[31m\nPAY-1,2026-03-01T00:00:00Z,x\n"
    )
    (folder / "[red]\x1b]0;x\x07.csv").write_text("a\n")
    done = CliRunner().invoke(app, ["land", "files", str(folder)])
    assert done.exit_code == 0, done.output
    told = " ".join(done.output.split())
    assert "contract: [/bold] :bomb: ?[31m" in told
    assert "contract: [red]?]0;x?.csv" in told
    assert "\x1b" not in told
    answered = Answer(["label"], [["[/bold] :bomb:"]])
    monkeypatch.setattr("orchestration.questions.answer", lambda *_: answered)
    assert "[/bold] :bomb:" in CliRunner().invoke(app, ["ask", "anything"]).output


def test_a_pattern_of_bots_that_is_none_is_said_with_its_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "seeds/mapping").mkdir(parents=True)
    seed = tmp_path / "seeds/mapping/bot_patterns.csv"
    seed.write_text("kind,pattern,reason\nbot,^renovate$,one\nbot,build(bot,another\n")
    monkeypatch.setattr("orchestration.landing.identity.PROJECT", tmp_path)
    with (
        pytest.raises(FlowgrainError, match=r"bot_patterns\.csv: row 2, column pattern is no"),
        Door(Home(tmp_path / "home"), "files"),
    ):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="other systems show no command lines")
def test_no_secret_shows_in_any_file_or_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R23: not that of the key, nor the passwords in the addresses of servers."""
    home = Home(tmp_path / "home").prepare()
    for name, value in canaries.secrets(tmp_path).items():
        monkeypatch.setenv(name, value)
    seen: set[bytes] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.1):
            for pid in family(os.getpid()) - {os.getpid()}:
                for what in ("cmdline", "environ"):
                    try:
                        words = Path(f"/proc/{pid}/{what}").read_bytes()
                    except OSError:
                        continue
                    # Whoever was given an address by its environment keeps it there.
                    if what == "cmdline" or b"/dbt\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
                        seen.add(words)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        folder = tmp_path / "files"
        folder.mkdir()
        (folder / "changes.csv").write_text(
            "repository,change_id,author\nshop/checkout,1,ada@shop.invalid\n"
        )
        told = [
            subprocess.run(
                [FLOWGRAIN, *command], cwd=PROJECT, env={**os.environ, "FLOWGRAIN_HOME": home.root},
                capture_output=True, check=False,
            )
            for command in (["land", "files", folder], ["land", "devlake"], ["doctor"])
        ]  # fmt: skip
        parsed = run_dbt(home, "parse", quiet=False)
    finally:
        ended.set()
        watcher.join()
    assert [done.returncode for done in told] == [0, 1, 0]
    assert parsed.returncode == 0, parsed.stdout[-2000:]
    assert any(b"dbt\0" in words for words in seen), "dbt was never seen"
    files = [path for path in home.root.rglob("*") if path.is_file()]
    assert {"vault.duckdb", "manifest.json", "dbt.log"} <= {path.name for path in files}
    held = [path.read_bytes() for path in files]
    said = [done.stdout + done.stderr for done in told] + [parsed.stdout.encode()]
    for form in canaries.written(tmp_path):
        assert not any(form in words for words in (*held, *said, *seen))


CRASH = """
import os, resource, sys
from pathlib import Path
from orchestration.home import Home
from orchestration.landing.door import Door
most = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (most, most))
if len(sys.argv) > 1:
    Door(Home(Path(sys.argv[1])), "files").__enter__()
os.abort()
"""


def leaves_core(folder: Path, *arguments: Path) -> bool:
    """Whether a process that crashes in a folder leaves its memory anywhere."""
    process = subprocess.Popen(
        [sys.executable, "-c", CRASH, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    _, status = os.waitpid(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == -signal.SIGABRT
    return os.WCOREDUMP(status)


def test_whoever_holds_the_key_leaves_no_core_when_it_crashes(tmp_path: Path) -> None:
    """R23: the system's own word, wherever it would have written one."""
    if not leaves_core(tmp_path):
        pytest.skip("this system writes no core of anybody")
    assert not leaves_core(tmp_path, tmp_path / "home")
