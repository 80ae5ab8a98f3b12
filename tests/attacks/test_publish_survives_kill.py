"""Killed at any moment, the gate leaves one whole release; readers never see half of one."""

import multiprocessing
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path

import duckdb
import pytest
from publish_lab import Lab, publish_generation

from orchestration.errors import FlowgrainError
from orchestration.floor_guard.publish import verify
from orchestration.floor_guard.vocabulary import open_published
from orchestration.home import Home

PUBLISHES = 100
READERS = 2
# How many of them are killed, at any moment of the length of one.
KILLED = 0.5
ROOT = Path(__file__).parents[2]
# One process imports what a publisher needs, and every publisher is a copy of it.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["orchestration.floor_guard.publish"])
GENERATIONS = """
    select distinct numerator::bigint from marts.metric_observations where numerator > 0
    union
    select distinct sample_size from marts.wait_intensity
"""


@dataclass
class Seen:
    """What a reader saw: the generation of each read, and what should not be."""

    generations: list[int] = field(default_factory=list)
    mixed: int = 0
    errors: list[str] = field(default_factory=list)


def read(path: Path, stopped: Event, seen: "Queue[Seen]") -> None:
    """Open the release over and over until told to stop; what should not be is counted."""
    own = Seen()
    # The pause leaves a core to the publishers; nothing waits for it.
    while not stopped.wait(0.05):
        try:
            connection = open_published(path)
            try:
                generations = connection.execute(GENERATIONS).fetchall()
            finally:
                connection.close()
        except (FlowgrainError, duckdb.Error) as error:
            own.errors.append(str(error))
            continue
        own.mixed += len(generations) != 1
        own.generations.append(generations[0][0])
    seen.put(own)


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


def test_a_killed_publisher_leaves_a_whole_release(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """R16 and R17, with several readers that never wait and never fail."""
    lab = Lab(tmp_path / "home")
    publish_generation(lab.home.root, 1000)
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    stopped, told = PROCESSES.Event(), PROCESSES.Queue()
    arguments = (lab.home.published, stopped, told)
    readers = [PROCESSES.Process(target=read, args=arguments) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    # Twice, for the first of the copies waits for the imports.
    for generation in (1001, 1002):
        begun = time.monotonic()
        publisher = PROCESSES.Process(target=publish_generation, args=(lab.home.root, generation))
        publisher.start()
        publisher.join()
    lasting = time.monotonic() - begun
    killed = orphans = 0
    published = set()
    for number in range(PUBLISHES):
        publisher = PROCESSES.Process(
            target=publish_generation, args=(lab.home.root, 1003 + number)
        )
        publisher.start()
        if chance.random() < KILLED:
            publisher.join(chance.uniform(0, lasting))
            publisher.kill()
        publisher.join()
        assert publisher.exitcode in (0, -signal.SIGKILL), f"seed {seed}: it failed by itself"
        killed += publisher.exitcode != 0
        orphans += len(list(lab.home.published.parent.iterdir())) > 2
        published.add(verify(lab.home).release)
    stopped.set()
    seen = [told.get(timeout=30) for _ in readers]
    for reader in readers:
        reader.join(timeout=30)
    reads = sum(len(own.generations) for own in seen)
    assert [error for own in seen for error in own.errors] == [], f"seed {seed}"
    assert sum(own.mixed for own in seen) == 0, f"seed {seed}"
    # Time goes one way for each reader: no release comes back.
    assert all(own.generations == sorted(own.generations) for own in seen), f"seed {seed}"
    # Else nothing was at stake: some were killed, some came to their end, and readers were there.
    assert 0 < killed < PUBLISHES, f"seed {seed}"
    assert len(published) > 1, f"seed {seed}"
    assert min(len(own.generations) for own in seen) >= PUBLISHES / 10
    lab.publish()
    verify(lab.home)
    assert set(lab.published_state()) == {"marts.duckdb", "release_report.json"}
    with capsys.disabled():
        print(f"\n{PUBLISHES} publishes, {killed} killed, {orphans} left orphans, {reads} reads")
