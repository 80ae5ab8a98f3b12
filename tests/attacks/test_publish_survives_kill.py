"""Killed at any moment, the gate leaves one whole release; readers never see half of one."""

import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
from publish_lab import Lab

from orchestration.errors import FlowgrainError
from orchestration.floor_guard.publish import verify
from orchestration.floor_guard.vocabulary import open_published
from orchestration.home import Home

KILLS = 20
# A kill falls within so many times the length of one publish: anywhere in it, or in the next.
SPAN = 2.0
LAB = Path(__file__).with_name("publish_lab.py")
ROOT = LAB.parents[2]
GENERATIONS = """
    select distinct numerator::bigint from marts.metric_observations where numerator > 0
    union
    select distinct sample_size from marts.wait_intensity
"""


class Reader(threading.Thread):
    """Opens the release over and over, and keeps what it saw."""

    def __init__(self, path: Path) -> None:
        """Read this file until told to stop."""
        super().__init__(daemon=True)
        self.path = path
        self.stopped = threading.Event()
        self.seen: list[int] = []
        self.mixed = 0
        self.errors: list[str] = []

    def run(self) -> None:
        """Read until told to stop; a mixed or failed read is counted, not raised."""
        # The pause leaves a core to the publisher; nothing waits for it.
        while not self.stopped.wait(0.02):
            try:
                connection = open_published(self.path)
                try:
                    generations = connection.execute(GENERATIONS).fetchall()
                finally:
                    connection.close()
            except (FlowgrainError, duckdb.Error) as error:
                self.errors.append(str(error))
                continue
            self.mixed += len(generations) != 1
            self.seen.append(generations[0][0])


def test_what_a_killed_sort_spilled_lies_in_the_vault_and_is_swept(tmp_path: Path) -> None:
    """ATK58: a sort of people that does not fit in memory, killed in its middle."""
    home = Home(tmp_path / "home").prepare()
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from orchestration.home import Home\n"
        "from orchestration.landing.door import open_vault\n"
        "c = open_vault(Home(Path(sys.argv[1])))\n"
        "c.execute(\"set memory_limit = '120MB'\")\n"
        'c.execute("set threads = 1")\n'
        "c.execute('create temp table t as select md5(i::text) as k from range(60000000) r(i) "
        "order by k')\n"
    )
    sorting = subprocess.Popen([sys.executable, "-c", program, str(home.root)], cwd=ROOT)
    try:
        until = time.monotonic() + 60
        while not (spilled := list(tmp_path.rglob("duckdb_temp*"))):
            assert sorting.poll() is None, "it ended before it spilled"
            assert time.monotonic() < until, "nothing was spilled"
            time.sleep(0.05)
    finally:
        sorting.kill()
        sorting.wait()
    assert {path.parent for path in spilled} == {home.ops / "tmp"}
    with home.writing():
        assert list(tmp_path.rglob("duckdb_temp*")) == []


def test_a_killed_publisher_leaves_a_whole_release(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "home")
    lab.publish()
    begun = time.monotonic()
    lab.publish()
    latest = (time.monotonic() - begun) * SPAN
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    reader = Reader(lab.home.published)
    reader.start()
    published = set()
    for number in range(KILLS):
        publisher = subprocess.Popen(
            [sys.executable, str(LAB), str(lab.home.root), str(number * 1000)],
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert publisher.stdout is not None
        # It says so when a publish begins; the kill falls anywhere after that.
        assert publisher.stdout.readline()
        try:
            publisher.wait(timeout=chance.uniform(0, latest))
        except subprocess.TimeoutExpired:
            publisher.kill()
        assert publisher.wait(timeout=30) == -9, f"seed {seed}: the publisher failed by itself"
        publisher.stdout.close()
        published.add(verify(lab.home).release)
    reader.stopped.set()
    reader.join(timeout=30)
    assert reader.errors == [], f"seed {seed}"
    assert reader.mixed == 0, f"seed {seed}"
    assert len(reader.seen) >= KILLS
    # Else nothing was at stake: releases came out between the kills.
    assert len(published) > 1, f"seed {seed}"
    lab.publish()
    verify(lab.home)
    assert set(lab.published_state()) == {"marts.duckdb", "release_report.json"}
