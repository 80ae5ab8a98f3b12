"""DevLake as a source, on real servers: what is new, gone or broken, and no name of anybody."""

import csv
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import lake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import servers
import sqlalchemy as sa
from conftest import Lab

from orchestration.build import run_dbt
from orchestration.errors import FlowgrainError
from orchestration.home import PROJECT, Home
from orchestration.landing.contract import entities
from orchestration.landing.devlake import database as reading
from orchestration.landing.devlake import land_devlake, live
from orchestration.landing.devlake.arrival import TABLES
from orchestration.landing.devlake.database import _address

KINDS = ("postgresql", "mariadb")
NUMBERS = count(1)
SYSTEM = "s_001"


class Lake:
    """One DevLake in a database of its own."""

    def __init__(self, server: servers.Server, name: str) -> None:
        """Make the database; its tables come with `make`."""
        self.server, self.name = server, name
        first = {"postgresql": "postgres", "mariadb": "mysql"}[server.kind]
        maker = self._engine(first).execution_options(isolation_level="AUTOCOMMIT")
        with maker.connect() as connection:
            connection.execute(sa.text(f"create database {name}"))
        self.engine = self._engine(name)

    def _engine(self, name: str) -> sa.Engine:
        return sa.create_engine(_address(self.server.url(name)), poolclass=sa.NullPool)

    @property
    def url(self) -> str:
        """Address with the password in it."""
        return self.server.url(self.name)

    def make(self, told: lake.Rows, **without: set[str]) -> "Lake":
        """Make DevLake's tables and fill them."""
        self.metadata = lake.schema(self.server.kind, without=without)
        self.metadata.create_all(self.engine)
        lake.fill(self.engine, self.metadata, told)
        return self

    def run(self, statement: str, **values: Any) -> Any:
        """Run a statement of the test's own."""
        with self.engine.begin() as connection:
            result = connection.execute(sa.text(statement), values)
            return result.fetchall() if result.returns_rows else None

    def number(self, insert: str, first: int, last: int) -> None:
        """Insert a row for each number `n`."""
        numbers = {
            "postgresql": f"generate_series({first}, {last}) as numbers(n)",
            "mariadb": f"(select seq as n from seq_{first}_to_{last}) as numbers",
        }[self.server.kind]
        self.run(f"{insert} from {numbers}")

    def drop_readers(self) -> None:
        """End every other connection to this database."""
        if self.server.kind == "postgresql":
            self.run(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid != pg_backend_pid()"
            )
        else:
            for (number,) in self.run(
                "select id from information_schema.processlist "
                "where db = :name and id != connection_id()",
                name=self.name,
            ):
                self.run(f"kill {number}")


@pytest.fixture(scope="module", params=KINDS)
def server(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.running(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture
def empty(server: servers.Server) -> Lake:
    return Lake(server, f"lake_{next(NUMBERS)}")


def raw(home: Home) -> dict[str, list[tuple[Any, ...]]]:
    """What landed, without the loads that brought it."""
    found = {}
    with duckdb.connect(str(home.vault), read_only=True) as vault:
        for name in entities("devlake"):
            query = f'select * exclude (_load_id, _row_hash) from raw_devlake."{name}" order by all'
            found[name] = vault.execute(query).fetchall()
    return found


def exported(folder: Path, told: lake.Rows, *, parquet: bool) -> Path:
    """The same rows as a folder of exports."""
    folder.mkdir()
    for name, table_rows in told.items():
        columns = list(dict.fromkeys(key for row in table_rows for key in row))
        if parquet:
            table = pa.Table.from_pylist([{c: row.get(c) for c in columns} for row in table_rows])
            pq.write_table(table, folder / f"{name}.parquet")
        else:
            with (folder / f"{name}.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, columns)
                writer.writeheader()
                writer.writerows(table_rows)
    return folder


def test_a_database_and_exports_of_it_land_the_same(empty: Lake, tmp_path: Path) -> None:
    told = lake.rows()
    home = Home(tmp_path / "database").prepare()
    done = land_devlake(home, empty.make(told).url)
    assert done.missing_columns == {}
    assert done.counts["pull_requests"].rows_inserted == 6
    # Two of three changes of an item are of its status; the third names a person.
    assert done.counts["issue_changelogs"].rows_read == 12
    both = [raw(home)]
    for parquet in (False, True):
        kind = Home(tmp_path / f"exports{parquet}").prepare()
        # The same key: else no person would have the same one.
        (kind.door / "person.key").write_bytes((home.door / "person.key").read_bytes())
        (kind.door / "person.key").chmod(0o400)
        land_devlake(kind, str(exported(tmp_path / f"files{parquet}", told, parquet=parquet)))
        both.append(raw(kind))
    assert both[0] == both[1] == both[2]


def test_nobody_passes_the_door(empty: Lake, tmp_path: Path) -> None:
    """Names, addresses, logins and texts stand in twelve columns of these tables."""
    home = Home(tmp_path)
    land_devlake(home, empty.make(lake.rows()).url)
    told = home.vault.read_bytes()
    for probe in (lake.SECRET, "ada@shop.invalid", "ada.probe", "GithubAccount", "ada/PAY"):
        assert probe.encode() not in told


def test_a_second_load_reads_what_is_new_and_changes_nothing_else(
    empty: Lake, tmp_path: Path
) -> None:
    home = Home(tmp_path)
    land_devlake(home, empty.make(lake.rows()).url)
    before = raw(home)
    again = land_devlake(home, empty.url)
    assert raw(home) == before
    # The newest hour is read again; it brings nothing.
    assert (
        again.counts["pull_requests"].rows_read == again.counts["pull_requests"].rows_unchanged == 1
    )
    # A table that does not say when its rows were written is read whole.
    diffs = again.counts["commits_diffs"]
    assert diffs.rows_read == diffs.rows_unchanged == 10
    empty.run("update pull_requests set merge_commit_sha = 'abc', updated_at = :at where "
              "pull_request_key = 1", at=lake.at(20))  # fmt: skip
    later = land_devlake(home, empty.url).counts["pull_requests"]
    assert (later.rows_read, later.rows_updated, later.rows_unchanged) == (2, 1, 1)


def test_the_clock_of_this_machine_does_not_matter(
    empty: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In Auckland, half a day ahead, a second load reads the same hour again and no more."""
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        home = Home(tmp_path)
        land_devlake(home, empty.make(lake.rows()).url)
        again = land_devlake(home, empty.url).counts["pull_requests"]
        assert (again.rows_read, again.rows_unchanged) == (1, 1)
        with duckdb.connect(str(home.vault), read_only=True) as vault:
            query = "select max(merged_date) from raw_devlake.pull_requests"
            assert vault.execute(query).fetchone() == (lake.at(7, 9),)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_what_devlake_has_no_more_leaves(empty: Lake, tmp_path: Path) -> None:
    """Say its rule for what is a deployment changed, and it made the table anew."""
    home = Home(tmp_path)
    land_devlake(home, empty.make(lake.rows()).url)
    empty.run("delete from cicd_deployment_commits where commit_sha like '%3'")
    empty.run("delete from commits_diffs where new_commit_sha like '%3'")
    done = land_devlake(home, empty.url)
    assert done.counts["cicd_deployment_commits"].rows_removed == 1
    assert done.counts["commits_diffs"].rows_removed == 2
    left = raw(home)
    assert len(left["cicd_deployment_commits"]) == 5
    assert len(left["commits_diffs"]) == 8


def test_as_many_new_rows_as_old_ones_are_gone(empty: Lake, tmp_path: Path) -> None:
    """A count that stays the same tells nothing, neither does one with rows that were set aside."""
    home = Home(tmp_path)
    empty.make(lake.rows())
    empty.run("update pull_requests set created_date = null where pull_request_key = 1")
    assert land_devlake(home, empty.url).counts["pull_requests"].rows_quarantined == 1
    empty.run("update commits_diffs set commit_sha = 'other' where commit_sha like 'c%3'")
    empty.run("delete from pull_requests where pull_request_key = 2")
    done = land_devlake(home, empty.url)
    changed = done.counts["commits_diffs"]
    assert (changed.rows_inserted, changed.rows_removed) == (1, 1)
    assert done.counts["pull_requests"].rows_removed == 1


def test_what_was_written_long_ago_and_is_seen_only_now_lands(empty: Lake, tmp_path: Path) -> None:
    """Say a backup was played back: the newest row that is in is days younger."""
    home, told = Home(tmp_path), lake.rows()
    late = told["pull_requests"].pop(0)
    land_devlake(home, empty.make(told).url)
    lake.fill(empty.engine, empty.metadata, {"pull_requests": [late]})
    assert land_devlake(home, empty.url).counts["pull_requests"].rows_inserted == 1


def test_every_table_that_is_read_is_tried(empty: Lake, tmp_path: Path) -> None:
    """With rows in each, so that none lands for the first time at a user's."""
    told = lake.rows()
    assert set(told) - {"accounts"} == set(TABLES)
    done = land_devlake(Home(tmp_path), empty.make(told).url)
    assert {name for name in TABLES if not done.counts[name].rows_inserted} == set()
    # A hotfix, and two labels that mark nothing.
    assert done.counts["pull_request_labels"].rows_inserted == 2


def test_an_older_schema_lands_what_it_has_and_names_the_rest(empty: Lake, tmp_path: Path) -> None:
    empty.make(
        lake.rows(),
        incidents={"*"},
        issue_status_history={"*"},
        pull_request_comments={"type"},
        cicd_pipelines={"queued_date", "original_result"},
        issue_changelogs={"field_name"},
    )
    done = land_devlake(Home(tmp_path), empty.url)
    # Without the name of the field, a change of status cannot be told from one of a person.
    assert done.missing_tables == ["issue_changelogs", "issue_status_history", "incidents"]
    assert done.missing_columns == {
        "pull_request_comments": ["type"],
        "cicd_pipelines": ["original_result", "queued_date"],
        "issue_changelogs": ["field_name"],
    }
    assert done.counts["pull_request_comments"].rows_inserted == 12
    assert done.counts["cicd_pipelines"].rows_inserted == 6


def test_a_connection_that_breaks_is_taken_up_where_it_was(
    empty: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "CHUNK_ROWS", 4)
    monkeypatch.setattr(reading, "BATCH_ROWS", 2)
    monkeypatch.setattr(live, "wait", lambda attempt: None)
    whole, broken = Home(tmp_path / "whole"), Home(tmp_path / "broken")
    empty.make(lake.rows(changes=25))
    land_devlake(whole, empty.url)
    heard: list[str] = []

    def break_once(line: str) -> None:
        heard.append(line)
        if line in ("pull_requests: 8 rows", "pull_request_comments: 4 rows"):
            empty.drop_readers()

    done = land_devlake(broken, empty.url, say=break_once)
    assert sum("broke" in line for line in heard) >= 1
    assert {name: len(rows) for name, rows in raw(broken).items()} == {
        name: len(rows) for name, rows in raw(whole).items()
    }
    assert all(counts.is_balanced for counts in done.counts.values())


def test_a_connection_that_stays_broken_is_said_and_loses_nothing(
    empty: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "CHUNK_ROWS", 4)
    monkeypatch.setattr(reading, "BATCH_ROWS", 2)
    monkeypatch.setattr(live, "wait", lambda attempt: None)
    empty.make(lake.rows(changes=25))
    batches = reading.Database.batches

    def breaking(self: reading.Database, *arguments: Any) -> Iterator[pa.Table]:
        for table in batches(self, *arguments):
            if (
                arguments[0].name == "pull_requests"
                and "20" in table["pull_request_key"].to_pylist()
            ):
                raise reading.DroppedError
            yield table

    monkeypatch.setattr(reading.Database, "batches", breaking)
    home = Home(tmp_path)
    with pytest.raises(FlowgrainError, match="broke 5 times while pull_requests") as caught:
        land_devlake(home, empty.url)
    assert servers.PASSWORD not in str(caught.value)
    kept = len(raw(home)["pull_requests"])
    assert 0 < kept < 20
    monkeypatch.undo()
    land_devlake(home, empty.url)
    assert len(raw(home)["pull_requests"]) == 25


def test_a_connection_that_breaks_before_anything_new_is_not_tried_for_ever(
    empty: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All rows were written at once, and the server gives up after ten, whatever is tried."""
    monkeypatch.setattr(live, "CHUNK_ROWS", 4)
    monkeypatch.setattr(reading, "BATCH_ROWS", 2)
    tries = []
    monkeypatch.setattr(live, "wait", tries.append)
    empty.make(lake.rows(changes=20))
    empty.run("update pull_requests set updated_at = :at", at=lake.at(2))
    batches = reading.Database.batches

    def breaking(self: reading.Database, *arguments: Any) -> Iterator[pa.Table]:
        for number, table in enumerate(batches(self, *arguments), 1):
            if arguments[0].name == "pull_requests" and number > 5:
                raise reading.DroppedError
            yield table

    monkeypatch.setattr(reading.Database, "batches", breaking)
    with pytest.raises(FlowgrainError, match="broke 5 times while pull_requests"):
        land_devlake(Home(tmp_path), empty.url)
    assert len(tries) <= 2 * live.ATTEMPTS


def test_a_database_that_answers_slowly_is_waited_for(empty: Lake, tmp_path: Path) -> None:
    empty.make(lake.rows())
    lock = {
        "postgresql": "lock table pull_requests in access exclusive mode",
        "mariadb": "lock tables pull_requests write",
    }
    held = threading.Event()

    def hold() -> None:
        with empty.engine.connect() as connection:
            connection.execute(sa.text(lock[empty.server.kind]))
            held.set()
            time.sleep(2)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    done = land_devlake(Home(tmp_path), empty.url)
    holder.join()
    assert done.counts["pull_requests"].rows_inserted == 6


def measured(program: str, *arguments: str) -> list[int]:
    """Numbers that a program prints in a process of its own, and the megabytes it held at most.

    Asked of the kernel's page of it: `resource` would also count what the tests themselves hold.
    """
    program += (
        "from pathlib import Path\n"
        "_, _, peak = Path('/proc/self/status').read_text().partition('VmHWM:')\n"
        "print(int(peak.split()[0]) // 1024)\n"
    )
    command = [sys.executable, "-c", program, *arguments]
    out = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    return [int(number) for number in out.stdout.split()]


def test_millions_of_rows_take_no_more_memory_than_thousands(empty: Lake) -> None:
    """The peak of a process that reads all rows hardly moves with their number."""
    empty.make({})
    fill = (
        "insert into pull_request_commits (pull_request_id, commit_sha, commit_author_email, "
        "updated_at) select concat('github:GithubPullRequest:1:', n), "
        "lpad(concat('', n), 40, '0'), concat('somebody', n, '@shop.invalid'), "
        "'2026-03-01 00:00:00'"
    )
    program = (
        "import sys\n"
        "from orchestration.landing.devlake.arrival import TABLES\n"
        "from orchestration.landing.devlake.database import Database\n"
        "entity = TABLES['pull_request_commits']\n"
        "columns = list(entity.columns)\n"
        "print(sum(t.num_rows for t in Database(sys.argv[1]).batches(entity, columns, None)))\n"
    )
    empty.number(fill, 1, 40_000)
    few = measured(program, empty.url)
    empty.number(fill, 40_001, 640_000)
    many = measured(program, empty.url)
    assert (few[0], many[0]) == (40_000, 640_000)
    # Held at once, they would take some 300 MB.
    assert many[1] - few[1] < 40


def test_landing_ten_times_the_rows_takes_little_more_memory(
    server: servers.Server, tmp_path: Path
) -> None:
    """Nor does a second load that takes out what is gone; only accounts stay in mind, by name."""
    second = {
        "postgresql": "timestamp '2026-01-01 00:00:00' + n * interval '1 second'",
        "mariadb": "timestamp '2026-01-01 00:00:00' + interval n second",
    }[server.kind]
    accounts = (
        "insert into accounts (id, user_name, email) select "
        "concat('github:GithubAccount:1:', n), concat('somebody', n), "
        "concat('somebody', n, '@shop.invalid')"
    )
    comments = (
        "insert into pull_request_comments (id, pull_request_id, account_id, type, status, "
        "created_date, updated_at) select concat('github:GithubPrReview:1:', n), "
        "concat('github:GithubPullRequest:1:', mod(n, 1000)), "
        "concat('github:GithubAccount:1:', mod(n, {accounts}) + 1), 'REVIEW', 'COMMENTED', "
        f"{second}, {second}"
    )
    # Either number fills a transaction: what differs is how many there are.
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from orchestration.home import Home\n"
        "from orchestration.landing.devlake import land_devlake, live\n"
        "live.CHUNK_ROWS = 20_000\n"
        "done = land_devlake(Home(Path(sys.argv[1])), sys.argv[2])\n"
        "counts = done.counts['pull_request_comments']\n"
        "print(counts.rows_inserted, counts.rows_removed)\n"
    )
    landing, withdrawing = [], []
    for number in (30_000, 300_000):
        source = Lake(server, f"lake_{next(NUMBERS)}").make({})
        source.number(accounts, 1, number // 100)
        source.number(comments.format(accounts=number // 100), 1, number)
        home = str(tmp_path / str(number))
        *told, peak = measured(program, home, source.url)
        assert told == [number, 0]
        landing.append(peak)
        source.run("delete from pull_request_comments where id like '%7'")
        *told, peak = measured(program, home, source.url)
        assert told == [0, number // 10]
        withdrawing.append(peak)
    # The vault's own file stays in memory for some 50 MB; the rows would take twice as much on top.
    assert landing[1] - landing[0] < 90
    assert withdrawing[1] - withdrawing[0] < 90


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "a wrong secret"}, "refused the user or the password"),
        ({"user": "stranger", "password": "a wrong secret"}, "refused the user or the password"),
        ({"database": "nowhere"}, "no database"),
        ({"port": 1}, "nothing listens there"),
    ],
)
def test_a_wrong_address_is_said_without_a_secret(
    server: servers.Server, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    first = {"postgresql": "postgres", "mariadb": "mysql"}[server.kind]
    given = {"database": first, "password": servers.PASSWORD, "port": server.port, **change}
    url = servers.Server(server.kind, given.pop("port")).url(**given)
    command = [sys.executable, "-m", "orchestration.cli", "land", "devlake", url]
    environment = {"FLOWGRAIN_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert words in said
    assert "secret" not in said
    assert "sesame" not in said


@pytest.mark.parametrize(
    "url",
    [
        "mysql://", "oracle://a:secret@b/c", "mysql://a:secret@b", "x://",
        "merico:secret@tcp(127.0.0.1:3306)/lake", "mysql:/reader:secret@127.0.0.1/lake",
        "mysql://reader:half/of@the#secret@127.0.0.1/lake",
    ],
)  # fmt: skip
def test_what_is_no_address_is_said_without_a_secret(tmp_path: Path, url: str) -> None:
    with pytest.raises(FlowgrainError, match="DevLake") as caught:
        land_devlake(Home(tmp_path), url)
    assert "secret" not in str(caught.value)
    assert "mysql://USER:PASSWORD@HOST" in str(caught.value)


@pytest.mark.parametrize("right", ["", "id, base_repo_id, created_date, updated_at"])
def test_a_table_that_may_not_be_read_is_named(empty: Lake, tmp_path: Path, right: str) -> None:
    """No right to it at all, or to some columns only."""
    empty.make(lake.rows(changes=1))
    is_postgresql = empty.server.kind == "postgresql"
    reader, name = f"reader_{empty.name}", "pull_requests"
    if is_postgresql:
        empty.run(f"create user {reader} password '{servers.PASSWORD}'")
        empty.run(f"grant select on all tables in schema public to {reader}")
        empty.run(f"revoke select on {name} from {reader}")
    else:
        empty.run(f"create user {reader}@'%' identified by '{servers.PASSWORD}'")
        for other in set(empty.metadata.tables) - {name}:
            empty.run(f"grant select on {empty.name}.{other} to {reader}@'%'")
    if right:
        whom = reader if is_postgresql else f"{reader}@'%'"
        empty.run(f"grant select ({right}) on {name} to {whom}")
    home = Home(tmp_path)
    if is_postgresql or right:
        with pytest.raises(FlowgrainError, match=r"pull_requests .* may not read") as caught:
            land_devlake(home, empty.server.url(empty.name, user=reader))
        assert reader not in str(caught.value)
    else:
        # MySQL shows nobody what is not for them, so the table is absent, and named so.
        done = land_devlake(home, empty.server.url(empty.name, user=reader))
        assert done.missing_tables == ["pull_requests"]


def test_devlakes_own_words_for_go_are_understood(empty: Lake, tmp_path: Path) -> None:
    empty.make(lake.rows(changes=1))
    done = land_devlake(Home(tmp_path), f"{empty.url}?charset=utf8mb4&parseTime=True&loc=UTC")
    assert done.counts["pull_requests"].rows_inserted == 1


def test_rows_that_cannot_be_read_are_set_aside_with_a_reason(empty: Lake, tmp_path: Path) -> None:
    told = lake.rows()
    told["pull_requests"][0]["created_date"] = None
    told["pull_requests"][1]["base_repo_id"] = ""
    told["pull_requests"][2]["merged_date"] = lake.at(30).replace(year=9999)
    home = Home(tmp_path)
    counts = land_devlake(home, empty.make(told).url).counts["pull_requests"]
    assert (counts.rows_read, counts.rows_inserted, counts.rows_quarantined) == (6, 3, 3)
    with duckdb.connect(str(home.vault), read_only=True) as vault:
        query = "select entity, field, reason from door.quarantine order by all"
        assert vault.execute(query).fetchall() == [
            ("pull_requests", "base_repo_id", "missing"),
            ("pull_requests", "created_date", "missing"),
            ("pull_requests", "merged_date", "later_than_extract"),
        ]


def test_four_connections_to_one_host_tell_everything_once(empty: Lake, tmp_path: Path) -> None:
    """The same change, review, commit, run, deployment, item and incident, by four ids each."""
    home = Home(tmp_path)
    land_devlake(home, empty.make(lake.rows(connections=(1, 2, 3, 4))).url)
    assert len(raw(home)["pull_requests"]) == 24
    selected = ("--select", "path:models/vault/staging", "--indirect-selection=cautious")
    built = run_dbt(home, "build", *selected, "--exclude-resource-type", "unit_test")
    assert built.returncode == 0, built.stdout
    expected = {
        "changes": 6,
        "change_reviews": 12,
        "change_commits": 6,
        "change_work_items": 6,
        "commits": 12,
        "ci_runs": 6,
        "deployments": 6,
        # The first deployment carries no history; each later one its change's commit and merge.
        "deployment_commits": 10,
        "work_items": 6,
        "work_item_transitions": 18,
        "work_item_links": 1,
        "incidents": 1,
        # The epic is an initiative and no item; the first item is part of it.
        "initiatives": 1,
    }
    with duckdb.connect(str(home.vault), read_only=True) as vault:
        vault.execute("use flowgrain_vault")
        for name, number in expected.items():
            found = vault.execute(f"select count(*) from stg_canonical__{name}").fetchone()
            assert found == (number,), name
        parts = "select work_item_id, initiative_id from stg_canonical__work_items"
        assert vault.execute(f"{parts} where initiative_id is not null").fetchall() == [
            ("PAY-1", "PAY-90")
        ]
        people = vault.execute(
            "select distinct reviewer_key, reviewer_is_bot from stg_canonical__change_reviews"
        ).fetchall()
        # One person and one bot, whatever the number of their accounts.
        assert sorted(is_bot for _, is_bot in people) == [False, True]
        author = "select distinct author_key from {} where not author_is_bot"
        assert (
            vault.execute(author.format("stg_canonical__changes")).fetchall()
            == vault.execute(author.format("stg_canonical__commits")).fetchall()
        )
        assert vault.execute(
            "select incident_id, repository, system_key from stg_canonical__incidents"
        ).fetchall() == [("OPS-9", "shop/checkout", None)]


def test_an_address_that_everybody_has_makes_nobody_one_person(tmp_path: Path) -> None:
    told = lake.rows()
    for account in told["accounts"]:
        account["email"] = "noreply@github.com"
    home = Home(tmp_path / "home")
    land_devlake(home, str(exported(tmp_path / "exports", told, parquet=False)))
    with duckdb.connect(str(home.vault), read_only=True) as vault:
        query = "select count(distinct account_id_key) from raw_devlake.pull_request_comments"
        assert vault.execute(query).fetchone() == (2,)


def test_a_later_export_knows_who_is_who(tmp_path: Path) -> None:
    """The file of the accounts is an old one, or is not there any more."""
    told = lake.rows()
    home = Home(tmp_path / "home")
    folder = exported(tmp_path / "exports", told, parquet=False)
    comments = folder / "pull_request_comments.csv"
    header, *lines = comments.read_text().splitlines(keepends=True)
    comments.write_text("".join([header, *lines[:6]]))
    land_devlake(home, str(folder), loaded_to=datetime(2026, 4, 1, tzinfo=UTC))
    comments.write_text("".join([header, *lines[:9]]))
    land_devlake(home, str(folder), loaded_to=datetime(2026, 4, 1, tzinfo=UTC))
    (folder / "accounts.csv").unlink()
    comments.write_text("".join([header, *(line for line in lines if ":2,2026" not in line)]))
    land_devlake(home, str(folder), loaded_to=datetime(2026, 4, 1, tzinfo=UTC))
    with duckdb.connect(str(home.vault), read_only=True) as vault:
        query = (
            "select count(*), count(distinct account_id_key) "
            "from raw_devlake.pull_request_comments where status = 'APPROVED'"
        )
        assert vault.execute(query).fetchone() == (6, 1)


def built(tmp_path: Path, told: lake.Rows) -> Lab:
    """A lab whose only source is an export of these rows, by the commands of the README."""
    organisation = tmp_path / "organisation"
    shutil.copytree(PROJECT / "seeds/organisation", organisation)
    with (organisation / "system_paths.csv").open("a") as file:
        file.write(f"shop/checkout,,{SYSTEM},,\n")
    lab = Lab(Home(tmp_path / "home"))
    folder = exported(tmp_path / "exports", told, parquet=True)
    lab.run("land", "devlake", str(folder), "--loaded-to", "2026-04-30T00:00:00Z")
    lab.run("build", environment={"FLOWGRAIN_ORGANISATION": str(organisation)})
    return lab


def statuses(lab: Lab) -> dict[str, str]:
    """Status of each of DORA's five keys, and of the incidents."""
    with lab.vault() as vault:
        found = vault.execute(
            "select distinct metric_key, status from flowgrain_floor."
            "floor_observations where slice = 'all' and metric_key in "
            "('deployment_frequency', 'change_lead_time', 'change_fail_rate', 'incident_rate', "
            "'failed_deployment_recovery_time', 'deployment_rework_rate')"
        ).fetchall()
    assert len(found) == 6
    return dict(found)


def test_a_devlake_alone_becomes_lives_deployments_and_links(tmp_path: Path) -> None:
    lab = built(tmp_path, lake.rows(changes=20, connections=(1, 2)))
    with lab.vault() as vault:
        vault.execute("use flowgrain_vault")
        lives = vault.execute(
            """
            select
                system_key, started_at, first_review_at, approved_at, merged_at, deployed_at
            from int_change_lives where change_key = 'shop/checkout!7'
            """
        ).fetchall()
        # The bot looked at ten; a person approved at eleven.
        moments = ((7, 8), (7, 11), (7, 11), (8, 9), (8, 11))
        assert lives == [(SYSTEM, *(lake.at(*when) for when in moments))]
        links = vault.execute(
            "select link_method, deployment_key is not null from int_incident_links"
        ).fetchall()
        assert ("window", True) in links
    # Three people stand behind no service here, so all is withheld; rework has no marker at all.
    assert statuses(lab) == {
        "deployment_frequency": "withheld",
        "change_lead_time": "withheld",
        "change_fail_rate": "withheld",
        "incident_rate": "withheld",
        "failed_deployment_recovery_time": "withheld",
        "deployment_rework_rate": "not_measurable",
    }


def test_what_an_older_devlake_cannot_tell_is_not_measurable_and_the_rest_runs(
    tmp_path: Path,
) -> None:
    told = lake.rows(changes=20)
    del told["incidents"]
    for row in told["cicd_pipelines"]:
        del row["queued_date"]
    assert statuses(built(tmp_path, told)) == {
        "deployment_frequency": "withheld",
        "change_lead_time": "withheld",
        "change_fail_rate": "not_measurable",
        "incident_rate": "not_measurable",
        "failed_deployment_recovery_time": "not_measurable",
        "deployment_rework_rate": "not_measurable",
    }
