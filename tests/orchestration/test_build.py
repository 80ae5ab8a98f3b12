"""dbt runs in a process of its own, which must not outlive the one that asked for it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestration.build import OPTIONAL_SEEDS, SECRETS, dbt_environment
from orchestration.home import PROJECT, Home

PARSE = """
import sys
from pathlib import Path
from orchestration.build import run_dbt
from orchestration.home import Home
run_dbt(Home(Path(sys.argv[1])).prepare(), "parse", "--target-path", sys.argv[1] + "/target")
"""


def children(folder: Path) -> list[int]:
    """Processes that name this folder on their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in words:
                found.append(int(entry.name))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="other systems leave dbt to end by itself")
def test_a_killed_build_leaves_no_dbt_behind(tmp_path: Path) -> None:
    """It would hold the vault, and the next command would find it locked."""
    process = subprocess.Popen([sys.executable, "-c", PARSE, str(tmp_path)])
    while len(children(tmp_path)) < 2:
        assert process.poll() is None, "dbt was never seen"
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for _ in range(100):
        if not children(tmp_path):
            break
        time.sleep(0.05)
    assert children(tmp_path) == []


def test_dbt_is_handed_no_secret_by_dagster_either(tmp_path: Path) -> None:
    """Dagster hands its whole environment to what it starts as dbt."""
    secret = "T0K3N-that-nobody-may-read"
    given = {name: secret for name in (*SECRETS, "AWS_SECRET_ACCESS_KEY")}
    (tmp_path / "dbt").write_text("#!/bin/sh\nenv\n")
    (tmp_path / "dbt").chmod(0o755)
    (tmp_path / "python").symlink_to(sys.executable)
    start = f"import sys; sys.executable = {str(tmp_path / 'python')!r}; "
    done = subprocess.run(
        [sys.executable, "-c", start + "from orchestration.build import dbt; dbt()"],
        env={**os.environ, **given, "DBT_LOG_PATH": "kept"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert secret not in done.stdout
    assert "DBT_LOG_PATH=kept" in done.stdout


def test_what_an_organisation_need_not_have_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of before there was such a file builds as it did."""
    folder = tmp_path / "organisation"
    shutil.copytree(PROJECT / "seeds/organisation", folder)
    for seed in OPTIONAL_SEEDS:
        (folder / seed).unlink()
    monkeypatch.setenv("FLOWGRAIN_ORGANISATION", str(folder))
    copy = PROJECT / dbt_environment(Home(tmp_path / "home").prepare())["FLOWGRAIN_ORGANISATION"]
    for seed in OPTIONAL_SEEDS:
        (header,) = (copy / seed).read_text(encoding="utf-8").splitlines()
        demo = (PROJECT / "seeds/organisation" / seed).read_text(encoding="utf-8")
        assert header == demo.splitlines()[0]
    assert (copy / "teams.csv").read_bytes() == (folder / "teams.csv").read_bytes()
    shutil.rmtree(copy)
