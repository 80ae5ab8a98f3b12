"""Two builds of one landing give the same release, whatever the machine around them."""

import json
import os
import subprocess
import sys
from pathlib import Path

FLOWGRAIN = str(Path(sys.executable).with_name("flowgrain"))


def release(home: Path, **environment: str) -> list[dict]:
    """Build and publish in this environment; tables of the release with their hashes."""
    for command in ("build", "publish"):
        done = subprocess.run(
            [FLOWGRAIN, command],
            env={**os.environ, "FLOWGRAIN_HOME": str(home), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((home / "published" / "release_report.json").read_text())["tables"]


def test_threads_time_zone_and_hash_seed_change_nothing(tmp_path: Path) -> None:
    subprocess.run(
        [FLOWGRAIN, "land", "demo", "--scale", "0.3"],
        env={**os.environ, "FLOWGRAIN_HOME": str(tmp_path)},
        capture_output=True,
        check=True,
    )
    one = release(tmp_path, TZ="UTC", PYTHONHASHSEED="0", FLOWGRAIN_THREADS="1")
    other = release(tmp_path, TZ="America/Los_Angeles", PYTHONHASHSEED="1", FLOWGRAIN_THREADS="2")
    assert one == other
    assert sum(table["rows"] for table in one) > 1000
