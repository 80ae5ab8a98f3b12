"""R5 and R19: every row read has landed or lies in quarantine, and replay gets out what it can."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.home import PROJECT, Home
from orchestration.landing.contract import Column, entities
from orchestration.landing.door import Door, Landing
from orchestration.landing.files import land_files
from orchestration.landing.github import land_github
from orchestration.landing.replay import replay

HEADER = ["deployment_id", "repository", "environment", "result", "finished_at"]
GOOD = ["d-1", "shop/checkout", "production", "success", "2026-03-02T09:00:00Z"]
# One way each in which a row is no deployment.
MALFORMED = {
    "unknown enumeration": ["d-2", *GOOD[1:3], "maybe", GOOD[4]],
    "wrong type": ["d-3", *GOOD[1:4], "soon"],
    "no zone": ["d-4", *GOOD[1:4], "2026-03-02T09:00:00"],
    "the year 9999": ["d-5", *GOOD[1:4], "9999-01-01T00:00:00Z"],
    "missing key": ["", *GOOD[1:]],
    "NUL byte": ["d\0-6", *GOOD[1:]],
    "line of 10 MB": ["d-7", "x" * 10_000_000, *GOOD[2:]],
}
DAMAGED_LINES = {
    "unterminated quote": 'd-8,"shop/checkout,production,success,2026-03-02T09:00:00Z',
    "too few fields": "d-9,shop/checkout",
    "too many fields": ",".join(["d-10", *GOOD[1:], "", ""]),
    "bytes that are no UTF-8": "d-11,caf\udce9,production,success,2026-03-02T09:00:00Z",
}
WEBHOOK = {
    "id": "d-1", "result": "SUCCESS", "finishedDate": GOOD[4],
    "deploymentCommits": [{"repoUrl": "https://host.invalid/shop/checkout.git", "commitSha": "a"}],
}  # fmt: skip
MALFORMED_JSON = {
    "bad JSON": '{"id": ',
    "no object": "[1, 2]",
    "deep nesting": "[" * 100_000,
    "lone surrogate": json.dumps({**WEBHOOK, "id": "d-\ud800"}),
    "lone surrogate in a text": json.dumps({**WEBHOOK, "id": "d-12", "name": "\udfff"}),
    "bytes that are no UTF-8": '{"id": "caf\udce9"}',
    "wrong type": json.dumps({**WEBHOOK, "id": {"a": 1}}),
    "missing key": json.dumps({**WEBHOOK, "id": None}),
    "unknown enumeration": json.dumps({**WEBHOOK, "result": "MAYBE"}),
    "NUL byte": json.dumps({**WEBHOOK, "id": "d\0"}),
    "the year 9999": json.dumps({**WEBHOOK, "finishedDate": "9999-01-01T00:00:00Z"}),
    "line of 10 MB": json.dumps({**WEBHOOK, "name": "x" * 10_000_000}),
    "a number that is none": '{"id": NaN, "deploymentCommits": [{"repoUrl": 7}]}',
}
MARK = datetime(2026, 4, 1, tzinfo=UTC)
Row = tuple[Any, ...]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty installation."""
    return Home(tmp_path / "home")


def lines_of_all() -> list[str]:
    """A line for every way in which one is malformed, but the long one, which takes its time."""
    long = MALFORMED["line of 10 MB"]
    return [",".join(row) for row in MALFORMED.values() if row is not long] + [
        *DAMAGED_LINES.values()
    ]


def query(home: Home, sql: str) -> list[Row]:
    """Rows of the vault."""
    with duckdb.connect(str(home.vault), read_only=True) as vault:
        return vault.execute(sql).fetchall()


def write(folder: Path, *lines: str, name: str = "deployments") -> Path:
    """A CSV file of deployments; surrogates stand for bytes that are no UTF-8."""
    folder.mkdir(exist_ok=True)
    text = "\n".join([",".join(HEADER), *lines]) + "\n"
    (folder / f"{name}.csv").write_bytes(text.encode("utf-8", "surrogateescape"))
    return folder


def land(home: Home, folder: Path) -> Landing:
    """Land a folder as of one day."""
    return land_files(home, folder, loaded_to=MARK)


def payloads(home: Home) -> list[Any]:
    """What lies in quarantine, in order."""
    files = sorted((home.door / "quarantine").glob("*"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def books(home: Home) -> dict[str, list[Row]]:
    """All that the door wrote down, and what landed."""
    tables = [f"door.{name}" for name in ("loads", "load_counts", "quarantine")]
    tables += [f'raw_files."{name}"' for name in entities()]
    with duckdb.connect(str(home.vault), read_only=True) as vault:
        return {name: vault.execute(f"from {name} order by all").fetchall() for name in tables}


def assert_books_balance(home: Home, *, source: str = "files") -> tuple[int, int, int]:
    """Of each load: read = landed + quarantined; of each table: what was inserted is there."""
    counts = query(
        home,
        """
        select load_id, entity, rows_read, rows_quarantined, rows_inserted,
            rows_inserted + rows_updated + rows_unchanged + rows_superseded
        from door.load_counts
        """,
    )
    noted = query(home, "select load_id, entity, count(*) from door.quarantine group by all")
    aside = {(load, entity): number for load, entity, number in noted}
    assert len({(load, entity) for load, entity, *_ in counts}) == len(counts)
    for load, entity, read, quarantined, _, staged in counts:
        assert read == staged + quarantined, (load, entity)
        assert quarantined == aside.pop((load, entity), 0), (load, entity)
    assert aside == {}
    union = " union all ".join(
        f"""select '{name}', count(*) from raw_{source}."{name}" """ for name in entities(source)
    )
    for entity, count in query(home, union):
        assert count == sum(row[4] for row in counts if row[1] == entity), entity
    assert len(payloads(home)) == len(query(home, "from door.quarantine"))
    return sum(c[2] for c in counts), sum(c[5] for c in counts), sum(c[3] for c in counts)


@contextmanager
def contract(entity: str, columns: dict[str, Callable[[Column], Column]]) -> Iterator[None]:
    """The contract as somebody mended it."""
    known = entities("files")[entity].columns
    with pytest.MonkeyPatch.context() as patch:
        for name, mend in columns.items():
            patch.setitem(known, name, mend(known[name]))
        yield


MENDED = {
    "result": lambda column: replace(column, values=(*column.values, "maybe")),
    "deployment_id": lambda column: replace(column, required=False),
    "finished_at": lambda column: replace(column, is_planned=True),
}


def test_of_a_malformed_csv_file_every_row_is_told(home: Home, tmp_path: Path) -> None:
    lines = [*(",".join(row) for row in MALFORMED.values()), *DAMAGED_LINES.values()]
    folder = write(tmp_path / "extract", *lines, ",".join(GOOD))
    # A mark of the byte order before the header is none of its first column.
    file = folder / "deployments.csv"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    land(home, folder)
    assert assert_books_balance(home) == (len(lines) + 1, 1, len(lines))
    numbers = [number for (number,) in query(home, "select row_number from door.quarantine")]
    assert sorted(numbers) == list(range(2, len(lines) + 2))
    assert query(home, "select deployment_id from raw_files.deployments") == [("d-1",)]


def test_of_a_malformed_parquet_file_every_row_is_told(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "extract"
    folder.mkdir()
    rows = [dict(zip(HEADER, row, strict=True)) for row in (GOOD, *MALFORMED.values())]
    pq.write_table(pa.Table.from_pylist(rows), folder / "deployments.parquet")
    typed = {"work_item_id": ["A-1", "A-2", None], "created_at": [MARK, None, MARK]}
    pq.write_table(pa.table(typed), folder / "work_items.parquet")
    land(home, folder)
    read, landed, quarantined = assert_books_balance(home)
    assert (read, quarantined) == (len(rows) + 3, len(MALFORMED) + 2)
    assert landed == 2


def test_of_malformed_webhooks_every_line_is_told(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "extract"
    folder.mkdir()
    lines = "\n".join([*MALFORMED_JSON.values(), json.dumps(WEBHOOK)])
    (folder / "deployments.jsonl").write_text(lines, errors="surrogateescape")
    land(home, folder)
    assert assert_books_balance(home)[0] == len(MALFORMED_JSON) + 1
    told = {number for (number,) in query(home, "select row_number from door.quarantine")}
    assert told == set(range(1, len(MALFORMED_JSON) + 1))
    assert query(home, "select deployment_id from raw_files.deployments") == [("d-1",)]


def test_of_malformed_pages_of_an_api_every_object_is_told(home: Home, tmp_path: Path) -> None:
    request = {
        "number": 1, "created_at": "2026-03-02T09:00:00Z", "user": {"login": "ada-example"},
        "base": {"repo": {"full_name": "shop/checkout"}},
    }  # fmt: skip
    objects = [
        json.dumps(request),
        *(
            json.dumps({**request, **change})
            for change in (
                {"number": None},
                {"number": "1\0"},
                {"number": "\ud800"},
                {"number": 2, "title": "\ud800"},
                {"created_at": "2026-03-02T09:00:00"},
                {"created_at": "9999-03-02T09:00:00Z"},
                {"created_at": ["2026"]},
                {"base": "shop/checkout"},
            )
        ),
        *(text for text in ("{", "[]", "[" * 100_000, "null")),
    ]
    folder = tmp_path / "pages"
    folder.mkdir()
    with (folder / "_raw_github_api_pull_requests.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["data"], *([text] for text in objects)])
    commit = {"sha": "a", "commit": {"author": {"email": 7}}, "author": {"login": ["x"]}}
    asked = [json.dumps({"Name": "shop/checkout"}), json.dumps({"Number": 1})]
    with (folder / "_raw_github_api_pull_request_commits.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["params", "input", "data"], [*asked, json.dumps(commit)]])
    land_github(home, folder, loaded_to=MARK)
    read, landed, quarantined = assert_books_balance(home, source="github")
    assert read == len(objects) + 1
    # One request, and a commit whose author is told in no way that could be read.
    assert (landed, quarantined) == (2, read - 2)


def test_what_a_mended_contract_can_read_leaves_quarantine(home: Home, tmp_path: Path) -> None:
    """And then the vault is what one landing under that contract makes of the same file."""
    folder = write(tmp_path / "extract", ",".join(GOOD), *lines_of_all())
    land(home, folder)
    before = assert_books_balance(home)
    other = Home(tmp_path / "other")
    other.prepare()
    shutil.copy(home.door / "person.key", other.door / "person.key")
    with contract("deployments", MENDED):
        done = replay(home)
        land(other, folder)
    assert done.counts["deployments"].rows_inserted == 3
    read, landed, quarantined = assert_books_balance(home)
    assert (read, landed, quarantined) == (before[0], before[1] + 3, before[2] - 3)
    assert (read, landed, quarantined) == assert_books_balance(other)
    assert query(home, "from raw_files.deployments order by all") == query(
        other, "from raw_files.deployments order by all"
    )


def test_a_parser_that_reads_more_drains_quarantine_to_nothing(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ",".join(MALFORMED["line of 10 MB"])
    land(home, write(tmp_path / "extract", ",".join(GOOD), line))
    assert assert_books_balance(home) == (2, 1, 1)
    monkeypatch.setattr("orchestration.landing.tabular.LONGEST_FIELD", 20_000_000)
    monkeypatch.setattr("orchestration.landing.door.LONGEST_TEXT", 20_000_000)
    replay(home)
    assert assert_books_balance(home) == (2, 2, 0)
    assert payloads(home) == []
    assert list((home.door / "quarantine").iterdir()) == []


def test_what_is_no_row_today_stays_and_a_second_replay_changes_nothing(
    home: Home, tmp_path: Path
) -> None:
    land(home, write(tmp_path / "extract", ",".join(GOOD), *lines_of_all()))
    before, aside = books(home), payloads(home)
    done = replay(home)
    assert (books(home), payloads(home)) == (before, aside)
    counts = done.counts["deployments"]
    assert counts.rows_read == counts.rows_quarantined == len(aside)
    with contract("deployments", MENDED):
        replay(home)
        once, rest = books(home), payloads(home)
        replay(home)
    assert (books(home), payloads(home)) == (once, rest)
    assert [line for line in aside if line in rest] == rest


def test_a_row_that_a_later_file_told_stays_as_that_told_it(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "extract"
    land(home, write(folder, "d-2,shop/checkout,staging,maybe,2026-03-02T09:00:00Z"))
    land(home, write(folder, "d-2,shop/checkout,production,success,2026-03-02T09:00:00Z"))
    with contract("deployments", MENDED):
        counts = replay(home).counts["deployments"]
    assert (counts.rows_superseded, counts.rows_quarantined) == (1, 0)
    assert query(home, "select environment from raw_files.deployments") == [("production",)]
    assert_books_balance(home)


def test_what_its_source_has_withdrawn_since_does_not_come_back(home: Home, tmp_path: Path) -> None:
    """A repository that was told anew may have that deployment no more."""
    land(home, write(tmp_path / "extract", ",".join(GOOD), ",".join(MALFORMED["no zone"])))
    with Door(home, "files") as door, door.load("files", origin="x", loaded_to=MARK) as load:
        load.forget("shop/checkout", "deployments")
    before = books(home)
    with contract("deployments", {"finished_at": lambda c: replace(c, type="text")}):
        replay(home)
    assert books(home) == before


def test_objects_and_webhooks_are_read_again_as_what_they_were(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "extract"
    folder.mkdir()
    long = json.dumps({**WEBHOOK, "id": "d-2", "name": "x" * 1_000_000})
    odd = json.dumps({**WEBHOOK, "id": "d-3", "result": "MAYBE"})
    (folder / "deployments.jsonl").write_text(f"{long}\n{odd}\n")
    land(home, folder)
    assert assert_books_balance(home) == (2, 0, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("orchestration.landing.webhooks.LONGEST_LINE", 2_000_000)
        mend = MENDED["result"]
        with contract("deployments", {"result": lambda c: replace(mend(c), values=())}):
            replay(home)
    assert assert_books_balance(home) == (2, 2, 0)
    assert query(home, "select deployment_id, result from raw_files.deployments order by 1") == [
        ("d-2", "success"),
        ("d-3", "MAYBE"),
    ]


def test_payloads_that_somebody_deleted_are_said_and_keep_nobody_up(
    home: Home, tmp_path: Path
) -> None:
    folder = tmp_path / "extract"
    land(home, write(folder, ",".join(MALFORMED["unknown enumeration"])))
    next((home.door / "quarantine").iterdir()).unlink()
    land(home, write(folder, ",".join(MALFORMED["the year 9999"])))
    told: list[str] = []
    with contract("deployments", MENDED):
        replay(home, say=told.append)
    assert told == ["load 1: what it set aside was deleted"]
    assert query(home, "select deployment_id from raw_files.deployments") == [("d-5",)]
    assert query(home, "select load_id, count(*) from door.quarantine group by all") == [(1, 1)]


KILLED = """
import os, signal, sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from orchestration.home import Home
from orchestration.landing import door, replay
from orchestration.landing.contract import entities
from orchestration.landing.files import land_files

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

class Last(type(Path())):
    def unlink(self, missing_ok=False):
        die() if self.suffix == ".jsonl" else super().unlink(missing_ok)

home, folder, what, point = Home(Path(sys.argv[1])), Path(sys.argv[2]), *sys.argv[3:]
columns = entities("files")["deployments"].columns
points = {
    "payloads": (door.Load, "finish"),
    "booked": (door.Door, "_keep_people"),
    "committed": (door.Door, "arrive") if what == "land" else (replay.os, "replace"),
}
if point == "drained":
    told = replay.payloads_of
    replay.payloads_of = lambda *given: Last(told(*given))
else:
    setattr(*points[point], die)
if what == "land":
    land_files(home, folder, loaded_to=datetime(2026, 4, 1, tzinfo=UTC))
else:
    columns["finished_at"] = replace(columns["finished_at"], is_planned=True)
    replay.replay(home)
"""
POINTS = ("payloads", "booked", "committed")


def kill(home: Home, folder: Path, what: str, point: str) -> None:
    """Run a landing or a replay that dies at a point of its way."""
    command = [sys.executable, "-c", KILLED, str(home.root), str(folder), what, point]
    done = subprocess.run(command, cwd=PROJECT, env={**os.environ, "PYTHONPATH": str(PROJECT)})
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("point", POINTS)
def test_a_landing_that_is_killed_and_run_again_sets_aside_once(
    home: Home, tmp_path: Path, point: str
) -> None:
    folder = write(tmp_path / "extract", ",".join(GOOD), *DAMAGED_LINES.values())
    kill(home, folder, "land", point)
    land(home, folder)
    assert assert_books_balance(home) == (5, 1, 4)
    assert len(query(home, "from door.loads")) == 1


@pytest.mark.parametrize("point", POINTS)
def test_a_replay_that_is_killed_and_run_again_ends_where_an_unkilled_one_does(
    home: Home, tmp_path: Path, point: str
) -> None:
    folder = tmp_path / "extract"
    lines = [",".join(MALFORMED[name]) for name in ("the year 9999", "missing key")]
    land(home, write(folder, ",".join(GOOD), *lines, *DAMAGED_LINES.values()))
    kill(home, folder, "replay", point)
    with contract("deployments", {"finished_at": MENDED["finished_at"]}):
        replay(home)
    assert assert_books_balance(home) == (7, 2, 5)
    assert sorted(line["row"] for line in payloads(home)) == [4, 5, 6, 7, 8]
    assert len(list((home.door / "quarantine").iterdir())) == 1


def test_a_replay_that_drained_a_load_and_was_killed_leaves_no_rows_as_they_came(
    home: Home, tmp_path: Path
) -> None:
    """They are people's: the next replay forgets them, though it has nothing to read."""
    folder = tmp_path / "extract"
    land(home, write(folder, ",".join(GOOD), ",".join(MALFORMED["the year 9999"])))
    kill(home, folder, "replay", "drained")
    assert len(list((home.door / "quarantine").iterdir())) == 1
    replay(home)
    assert list((home.door / "quarantine").iterdir()) == []
    assert assert_books_balance(home) == (2, 2, 0)


def test_a_replay_is_a_landing_to_whoever_waits_for_one(home: Home, tmp_path: Path) -> None:
    """A build and the expectations go by when rows last came."""
    land(home, write(tmp_path / "extract", ",".join(GOOD), ",".join(MALFORMED["the year 9999"])))
    [(before,)] = query(home, "select landed_at from door.loads")
    replay(home)
    assert query(home, "select landed_at from door.loads") == [(before,)]
    with contract("deployments", {"finished_at": MENDED["finished_at"]}):
        replay(home)
    [(after,)] = query(home, "select landed_at from door.loads")
    assert after > before
