"""The door for files: what lands, what is set aside, and that nothing is lost or let through."""

import base64
import csv
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.doctor import examine
from orchestration.errors import FlowgrainError
from orchestration.home import Home
from orchestration.landing import contract_pages
from orchestration.landing.accounts import draft_accounts, land_accounts
from orchestration.landing.contract import entities
from orchestration.landing.door import Door
from orchestration.landing.files import Landed, land_files

ROOT = Path(__file__).parents[2]
CANARY = "zoe.canary@shop.invalid"
HEADER = "repository,change_id,author,opened_at,merged_at,title,updated_at"
GOOD = f"shop/checkout,1,{CANARY},2026-03-02T09:00:00Z,2026-03-03T09:00:00+01:00,PAY-1 Zoe's own,"
REASONS = {
    "a date without zone": (
        "shop/x,2,a@b.invalid,2026-03-02T09:00:00,,,",
        "opened_at",
        "tz_missing",
    ),
    "a wrong date": (
        "shop/x,2,a@b.invalid,2026-13-45T09:00:00Z,,,",
        "opened_at",
        "not_a_timestamp",
    ),
    "a date of 9999": (
        "shop/x,2,a@b.invalid,9999-01-01T00:00:00Z,,,",
        "opened_at",
        "later_than_extract",
    ),
    "a missing field": ("shop/x,,a@b.invalid,2026-03-02T09:00:00Z,,,", "change_id", "missing"),
    "too few fields": ("shop/x,2", None, "wrong_number_of_fields"),
    "too many fields": ("shop/x,2,a@b.invalid,,,,,,,,", None, "wrong_number_of_fields"),
    "a NUL byte": ("shop/x,2\0,a@b.invalid,,,,", "change_id", "control_character"),
    "wrong bytes": ("shop/x,2,a@b.invalid,,,caf\udce9,", None, "not_utf8"),
    "a quote that never closes": ('shop/x,2,a@b.invalid,,,"never,', None, "quote_not_closed"),
    "a line of 10 MB": ("shop/x,2,a@b.invalid,,," + "x" * 10_000_000 + ",", None, "field_too_long"),
    "a long name": ("shop/" + "x" * 5000 + ",2,a@b.invalid,,,,", "repository", "too_long"),
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty installation."""
    return Home(tmp_path / "home")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one good change."""
    path = tmp_path / "extract"
    path.mkdir()
    write(path, "changes", HEADER, GOOD)
    (path / "extract.csv").write_text("loaded_to\n2026-04-01T00:00:00Z\n")
    return path


def write(folder: Path, name: str, *lines: str) -> None:
    """One CSV file, surrogates standing for bytes that are no UTF-8."""
    text = "\n".join(lines) + "\n"
    (folder / f"{name}.csv").write_bytes(text.encode("utf-8", "surrogateescape"))


def query(home: Home, sql: str) -> list[tuple]:
    """Rows of the vault."""
    with duckdb.connect(str(home.vault), read_only=True) as vault:
        return vault.execute(sql).fetchall()


def raw_tables(home: Home) -> dict[str, list[tuple]]:
    """Everything that landed, without the numbers of the loads."""
    return {
        name: query(home, f'select * exclude (_load_id) from raw_files."{name}" order by all')
        for name in entities()
    }


def assert_balanced(done: Landed) -> None:
    for name, counts in done.counts.items():
        assert counts.is_balanced, name


def test_a_change_lands_without_its_person_and_its_text(home: Home, folder: Path) -> None:
    done = land_files(home, folder)
    assert_balanced(done)
    assert done.made_key
    ((key, is_bot, opened, merged),) = query(
        home, "select author_key, author_is_bot, opened_at, merged_at from raw_files.changes"
    )
    assert key.startswith("p1")
    assert len(key) == 28
    assert not is_bot
    assert (opened.hour, merged.hour) == (9, 8)
    assert query(home, "select work_item_id from raw_files.change_work_items") == [("PAY-1",)]


def test_of_use_only_the_week_lands(home: Home, folder: Path) -> None:
    """Days of one week are one row, whatever else a file says; what lies ahead was never used."""
    write(
        folder,
        "ai_usage",
        "account,team,tool,week_start,prompts",
        "ada@shop.invalid,t_01,copilot,2026-03-04T17:12:00+01:00,12",
        "ada@shop.invalid,t_01,copilot,2026-03-06T09:00:00Z,30",
        "ada@shop.invalid,t_01,copilot,9999-03-09T09:00:00Z,1",
        "ada@shop.invalid,t_01,copilot,2026-03-04,1",
    )
    done = land_files(home, folder)
    assert_balanced(done)
    assert done.counts["ai_usage"].rows_quarantined == 2
    assert query(home, "select team, tool, week_start from raw_files.ai_usage") == [
        ("t_01", "copilot", datetime(2026, 3, 2))
    ]
    columns = query(
        home, "select column_name from information_schema.columns where table_name = 'ai_usage'"
    )
    assert "prompts" not in {name for (name,) in columns}


def test_a_licence_may_end_ahead(home: Home, folder: Path) -> None:
    """Its end is a plan; how many seats it has must be a number."""
    write(
        folder,
        "ai_licences",
        "team,tool,valid_from,valid_to,seats",
        "t_01,copilot,2026-01-05T00:00:00Z,9998-01-05T00:00:00Z,12",
        "t_02,copilot,2026-01-05T00:00:00Z,,many",
        "t_03,copilot,2026-01-05T00:00:00Z,,-1",
    )
    done = land_files(home, folder)
    assert_balanced(done)
    assert done.counts["ai_licences"].rows_quarantined == 2
    assert query(home, "select team, seats from raw_files.ai_licences") == [("t_01", 12)]


def test_an_effect_may_be_a_fall_and_must_be_a_number(home: Home, folder: Path) -> None:
    """What was to fall is below 0; what is no quantity goes to quarantine, and nothing is lost."""
    write(
        folder,
        "initiatives",
        "initiative_id,anticipated_effect,actual_effect,created_at,body",
        "INI-1,-10,-12.5,2026-03-02T09:00:00Z,Expected outcome: fewer failed orders",
        "INI-2,,,2026-03-02T09:00:00Z,",
        "INI-3,nan,,2026-03-02T09:00:00Z,",
        "INI-4,inf,,2026-03-02T09:00:00Z,",
        "INI-5,much,,2026-03-02T09:00:00Z,",
    )
    done = land_files(home, folder)
    assert_balanced(done)
    assert done.counts["initiatives"].rows_quarantined == 3
    assert query(
        home,
        "select initiative_id, anticipated_effect, actual_effect, states_outcome"
        " from raw_files.initiatives order by all",
    ) == [("INI-1", -10, -12.5, True), ("INI-2", None, None, False)]


def test_headcounts_are_of_quarters_and_of_people_who_were_there(home: Home, folder: Path) -> None:
    """A day is no quarter, nobody leaves a negative number of times, nor more than could be."""
    write(
        folder,
        "headcounts",
        "quarter,team,people_count,leaver_count,who",
        f"2026-Q1,t_01,9.5,1,{CANARY}",
        "2026-q1,t_02,4,8,",
        "2026-01-05,t_03,9,1,",
        "2026-q5,t_03,9,1,",
        "2026-q1,t_04,-1,0,",
        "2026-q1,t_05,9,-1,",
        "2026-q1,t_06,4,9,",
        "2026-q1,t_07,,1,",
        "2026-q1,t_08,9,half,",
        "2026-q1,,9,1,",
    )
    done = land_files(home, folder)
    assert_balanced(done)
    assert query(
        home, "select row_number, field, reason from door.quarantine order by row_number"
    ) == [
        (4, "quarter", "not_a_quarter"),
        (5, "quarter", "not_a_quarter"),
        (6, "people_count", "negative"),
        (7, "leaver_count", "negative"),
        (8, "leaver_count", "too_large"),
        (9, "people_count", "missing"),
        (10, "leaver_count", "not_an_integer"),
        (11, "team", "missing"),
    ]
    landed = "select quarter, team, people_count, leaver_count from raw_files.headcounts order by 2"
    assert query(home, landed) == [("2026-q1", "t_01", 9.5, 1), ("2026-q1", "t_02", 4, 8)]


def test_no_form_of_the_person_is_in_any_byte_of_the_vault(home: Home, folder: Path) -> None:
    land_files(home, folder)
    forms = [CANARY, "zoe", "Zoe's own", CANARY[::-1], CANARY.encode().hex()]
    forms.append(base64.b64encode(CANARY.encode()).decode())
    forms += [hashlib.new(name, CANARY.encode()).hexdigest() for name in ("md5", "sha1", "sha256")]
    vault = b"".join(path.read_bytes() for path in home.vault.parent.rglob("*") if path.is_file())
    assert [form for form in forms if form.encode() in vault] == []


@pytest.mark.parametrize("case", REASONS)
def test_a_row_that_cannot_be_read_is_set_aside_with_its_place(
    home: Home, folder: Path, case: str
) -> None:
    line, field, reason = REASONS[case]
    write(folder, "changes", HEADER, GOOD, line, GOOD.replace(",1,", ",3,", 1))
    done = land_files(home, folder)
    assert_balanced(done)
    assert done.counts["changes"].rows_read == 3
    noted = query(home, "select entity, origin, row_number, field, reason from door.quarantine")
    assert noted == [("changes", "changes.csv", 3, field, reason)]
    assert query(home, "select change_id from raw_files.changes order by 1") == [("1",), ("3",)]
    payloads = list((home.door / "quarantine").iterdir())
    assert [path.stat().st_mode & 0o777 for path in payloads] == [0o600]


@given(
    lines=st.lists(
        st.text(
            st.characters(blacklist_characters="\n\r", blacklist_categories=["Cs"]), max_size=60
        ),
        max_size=12,
    )
)
@settings(max_examples=25, deadline=None)
def test_whatever_a_file_holds_nothing_is_lost(lines: list[str]) -> None:
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        write(folder, "changes", HEADER, GOOD, *lines)
        home = Home(folder / "home")
        done = land_files(home, folder)
        assert_balanced(done)
        landed = query(home, "select count(*) from raw_files.changes")[0][0]
        assert landed == done.counts["changes"].rows_inserted
        assert len(query(home, "from door.quarantine")) == done.counts["changes"].rows_quarantined


def test_loading_twice_changes_nothing(home: Home, folder: Path) -> None:
    land_files(home, folder)
    before = raw_tables(home)
    again = land_files(home, folder)
    assert again.counts == {}
    assert again.unchanged == ["changes.csv"]
    assert raw_tables(home) == before
    assert len(query(home, "from door.loads")) == 1


def test_the_order_of_rows_does_not_matter(home: Home, folder: Path, tmp_path: Path) -> None:
    rows = [GOOD + "2026-03-05T00:00:00Z", GOOD.replace("PAY-1", "PAY-2") + "2026-03-04T00:00:00Z"]
    rows += [GOOD.replace(",1,", f",{n},", 1) for n in range(2, 30)]
    write(folder, "changes", HEADER, *rows)
    land_files(home, folder)
    write(folder, "changes", HEADER, *reversed(rows))
    other = Home(tmp_path / "other")
    shutil.copytree(home.door, other.door)
    shutil.rmtree(other.door / "quarantine", ignore_errors=True)
    land_files(other, folder)
    assert raw_tables(home) == raw_tables(other)


def test_a_newer_version_replaces_and_an_older_one_does_not(home: Home, folder: Path) -> None:
    write(folder, "changes", HEADER, GOOD + "2026-03-05T00:00:00Z")
    land_files(home, folder)
    write(folder, "changes", HEADER, GOOD.replace("+01:00", "Z") + "2026-03-06T00:00:00Z")
    assert land_files(home, folder).counts["changes"].rows_updated == 1
    write(folder, "changes", HEADER, GOOD + "2026-03-04T00:00:00Z")
    assert land_files(home, folder).counts["changes"].rows_superseded == 1
    assert query(home, "select hour(merged_at) from raw_files.changes") == [(9,)]


def test_accounts_of_one_person_are_one_key_and_bots_are_marked(home: Home, folder: Path) -> None:
    write(folder, "identities", "alias,person", f"zoe-c,{CANARY}")
    lines = [
        GOOD.replace(CANARY, who).replace(",1,", f",{n},", 1)
        for n, who in enumerate(
            [
                CANARY,
                "Zoe-C",
                "1234+zoe-c@users.noreply.github.com",
                "renovate[bot]",
                "ghost",
                "bot-smith",
            ]
        )
    ]
    write(folder, "changes", HEADER, *lines)
    land_files(home, folder)
    rows = query(home, "select author_key, author_is_bot from raw_files.changes order by change_id")
    assert rows[0] == rows[1] == rows[2]
    assert [is_bot for _, is_bot in rows] == [False, False, False, True, False, False]
    assert rows[4][0] is None


def people_of(home: Home) -> list[tuple[str, bool]]:
    """Who opened each change, as far as is known now, and whether they are resolved."""
    return query(
        home,
        """
        select people.person_key, people.is_resolved
        from raw_files.changes as changes
        inner join door.people as people on changes.author_key = people.landed_key
        order by changes.change_id
        """,
    )


def test_an_account_counts_as_somebody_once_it_is_declared(
    home: Home, folder: Path, tmp_path: Path
) -> None:
    """B03; accounts that turn out to be one person's after they landed are one all the same."""
    write(
        folder,
        "changes",
        HEADER,
        *(
            GOOD.replace(CANARY, who).replace(",1,", f",{n},", 1)
            for n, who in enumerate([CANARY, "zoe-c", "yan@shop.invalid"])
        ),
    )
    land_files(home, folder)
    before = people_of(home)
    assert [is_resolved for _, is_resolved in before] == [False] * 3
    assert len({key for key, _ in before}) == 3

    path, count = draft_accounts(home)
    assert count == 3
    assert path.parent == home.door
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FlowgrainError, match="is there already"):
        draft_accounts(home)
    path.unlink()

    write(tmp_path, "accounts", "alias,person", f"{CANARY},Zoe", "Zoe-C,zoe")
    assert land_accounts(home, tmp_path / "accounts.csv") == (2, 2)
    now = people_of(home)
    assert [is_resolved for _, is_resolved in now] == [True, True, False]
    assert now[0] == now[1] != now[2]
    assert draft_accounts(home)[1] == 1
    # The same again, and what a later delivery brings, change nothing of it.
    assert land_accounts(home, tmp_path / "accounts.csv") == (2, 0)
    write(folder, "changes", HEADER, GOOD.replace(",1,", ",9,", 1))
    land_files(home, folder)
    assert people_of(home)[:3] == now
    assert people_of(home)[3] == now[0]


def test_what_another_process_declared_meanwhile_is_not_forgotten(
    home: Home, folder: Path, tmp_path: Path
) -> None:
    """A landing that waited for the lock goes on from what the other one kept."""
    write(tmp_path, "accounts", "alias,person", f"{CANARY},Zoe")
    waiting = Door(home, "files")
    land_accounts(home, tmp_path / "accounts.csv")
    with waiting as door:
        door.people.declare("yan@shop.invalid", "Yan")
        door.keep_people()
    assert query(home, "select count(*) from door.people where is_resolved") == [(4,)]


def test_a_vault_made_anew_is_told_who_is_declared(
    home: Home, folder: Path, tmp_path: Path
) -> None:
    land_files(home, folder)
    write(tmp_path, "accounts", "alias,person", f"{CANARY},Zoe")
    land_accounts(home, tmp_path / "accounts.csv")
    before = people_of(home)
    home.vault.unlink()
    land_files(home, folder)
    assert people_of(home) == before
    assert before[0][1]


def test_what_a_load_that_failed_had_declared_is_told_with_the_next(home: Home) -> None:
    """The map on disk and the vault say the same, whichever of them failed."""

    def land(*, fails: bool) -> None:
        moment = datetime(2026, 3, 31, tzinfo=UTC)
        with Door(home, "files") as door, door.load("files", origin="x", loaded_to=moment):
            door.people.declare("zoe-c", CANARY)
            if fails:
                raise RuntimeError

    with pytest.raises(RuntimeError):
        land(fails=True)
    land(fails=False)
    with Door(home, "files") as door:
        keys = set(door.people.keys())
    assert set(query(home, "from door.people")) == keys


def test_bots_and_accounts_of_nobody_are_not_asked_for(home: Home, folder: Path) -> None:
    lines = [
        GOOD.replace(CANARY, who).replace(",1,", f",{n},", 1)
        for n, who in enumerate(["renovate[bot]", "ghost"])
    ]
    write(folder, "changes", HEADER, *lines)
    land_files(home, folder)
    path, count = draft_accounts(home)
    assert count == 0
    # It would stand in the way of the next one.
    assert not path.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("alias,person\nzoe-c,\n", ["row 1", "column person", "delete the row"]),
        ("alias,person\na,b\n,b\n", ["row 2", "column alias"]),
        ("alias\nzoe-c\n", ["lacks a column", "alias, person"]),
        (None, ["cannot be read", "UTF-8"]),
    ],
)
def test_accounts_that_cannot_be_read_are_said_by_row_and_field(
    home: Home, tmp_path: Path, content: str | None, words: list[str]
) -> None:
    path = tmp_path / "accounts.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(FlowgrainError) as error:
        land_accounts(home, path)
    assert all(word in str(error.value) for word in [*words, "accounts.csv"])
    assert "zoe-c" not in str(error.value)


def test_parquet_lands_like_csv(home: Home, folder: Path, tmp_path: Path) -> None:
    land_files(home, folder)
    other = Home(tmp_path / "other")
    shutil.copytree(home.door, other.door)
    with (folder / "changes.csv").open(newline="") as file:
        rows = [{k: v or None for k, v in row.items()} for row in csv.DictReader(file)]
    (folder / "changes.csv").unlink()
    pq.write_table(pa.Table.from_pylist(rows), folder / "changes.parquet")
    land_files(other, folder)
    assert raw_tables(home) == raw_tables(other)


def test_columns_that_the_contract_does_not_name_are_dropped(home: Home, folder: Path) -> None:
    write(folder, "changes", HEADER + ",author_email", f"{GOOD},{CANARY}")
    done = land_files(home, folder)
    assert done.dropped_columns == {"changes.csv": ["author_email"]}
    assert "author_email" not in str(query(home, "describe raw_files.changes"))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: shutil.rmtree(f), ["is not a folder"]),
        (lambda f: (f / "changes.csv").unlink(), ["holds no file of the contract", "changes.csv"]),
        (lambda f: (f / "changes.csv").write_text(""), ["changes.csv is empty"]),
        (
            lambda f: write(f, "changes", "repository,author", "a,b"),
            ["column change_id is missing"],
        ),
        (
            lambda f: write(f, "changes", HEADER + ",title", GOOD + ","),
            ["the name of column", "stands twice"],
        ),
        (lambda f: (f / "changes.csv").write_bytes(HEADER.encode("utf-16")), ["UTF-8"]),
        (lambda f: (f / "changes.parquet").write_bytes(b"PAR"), ["twice"]),
        (lambda f: (f / "commits.parquet").write_bytes(b"no parquet"), ["is no Parquet file"]),
        (lambda f: (f / "extract.csv").write_text("loaded_to\n2026-04-01\n"), ["with a zone"]),
        (lambda f: (f / "identities.csv").write_text("a\n"), ["alias, person"]),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_line(
    home: Home, folder: Path, spoil, words: list[str]
) -> None:
    spoil(folder)
    with pytest.raises(FlowgrainError) as caught:
        land_files(home, folder)
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in words)
    assert not home.vault.exists() or query(home, "from door.loads") == []


KILLED = """
import os, signal, sys
from orchestration.home import Home
from orchestration.landing import door
from pathlib import Path
from orchestration.landing.files import land_files
merge = door.Load._merge
def merge_and_die(self, entity):
    merge(self, entity)
    if entity.name == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)
door.Load._merge = merge_and_die
land_files(Home(Path(sys.argv[1])), Path(sys.argv[2]))
"""


@pytest.mark.parametrize("entity", ["changes", "commits", "work_items"])
def test_a_killed_load_goes_on_and_ends_where_an_unkilled_one_does(
    home: Home, folder: Path, tmp_path: Path, entity: str
) -> None:
    write(folder, "commits", "repository,commit_sha,author", f"shop/checkout,abc,{CANARY}")
    write(folder, "work_items", "work_item_id,created_at", "PAY-1,2026-03-01T00:00:00Z")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(home.root), str(folder), entity], cwd=ROOT, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    land_files(home, folder)
    whole = Home(tmp_path / "whole")
    whole.prepare()
    shutil.copy(home.door / "person.key", whole.door / "person.key")
    land_files(whole, folder)
    assert raw_tables(home) == raw_tables(whole)
    sums = "select entity, sum(rows_inserted) from door.load_counts group by 1 order by 1"
    assert query(home, sums) == query(whole, sums)


def test_another_key_is_refused_before_a_row_is_read(
    home: Home, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    land_files(home, folder)
    key = tmp_path / "other.key"
    key.write_bytes(os.urandom(32))
    key.chmod(0o400)
    monkeypatch.setenv("FLOWGRAIN_KEY_FILE", str(key))
    with pytest.raises(FlowgrainError, match="GL-K04"):
        land_files(home, folder)


@pytest.mark.parametrize("content", [b"", b"short", b"a" * 32, None])
def test_what_is_no_key_is_refused(
    home: Home, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    key = tmp_path / "bad.key"
    if content is not None:
        key.write_bytes(content)
        key.chmod(0o400)
    monkeypatch.setenv("FLOWGRAIN_KEY_FILE", str(key))
    with pytest.raises(FlowgrainError, match="GL-K03"):
        land_files(home, folder)
    assert not home.vault.exists()


def test_a_key_that_others_can_read_is_refused(home: Home, folder: Path) -> None:
    land_files(home, folder)
    (home.door / "person.key").chmod(0o444)
    with pytest.raises(FlowgrainError, match="chmod 0400"):
        land_files(home, folder)


def test_prod_demands_a_given_key(home: Home, folder: Path) -> None:
    with pytest.raises(FlowgrainError, match="GL-K03 target prod needs a given key"):
        land_files(home, folder, target="prod")


def test_only_the_owner_may_read_what_landed(home: Home, folder: Path) -> None:
    land_files(home, folder)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (home.door, home.vault.parent)}
    assert modes == {"door": 0o700, "vault": 0o700}
    assert (home.door / "person.key").stat().st_mode & 0o777 == 0o400
    assert home.vault.stat().st_mode & 0o777 == 0o600


HOLDER = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def opened_vault(home: Home, folder: Path) -> Iterator[Home]:
    """A vault that another program holds open."""
    land_files(home, folder)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home.vault)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == "open\n"
    yield home
    holder.stdin.close()
    holder.wait()


def test_a_vault_that_is_open_elsewhere_is_said(opened_vault: Home, folder: Path) -> None:
    write(folder, "commits", "repository,commit_sha,author", f"shop/checkout,abc,{CANARY}")
    with pytest.raises(FlowgrainError, match="is open in another program"):
        land_files(opened_vault, folder)


def test_a_full_disk_is_said_and_leaves_nothing_half(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("a small file system can be mounted by root only")
    try:
        folder = tmp_path / "extract"
        folder.mkdir()
        write(folder, "changes", HEADER, GOOD)
        home = Home(disk / "home")
        land_files(home, folder)
        before = raw_tables(home)
        lines = (
            f"shop/checkout,{hashlib.sha256(str(n).encode()).hexdigest()},{CANARY}"
            for n in range(60_000)
        )
        write(folder, "commits", "repository,commit_sha,author", *lines)
        with pytest.raises(FlowgrainError, match="is full") as caught:
            land_files(home, folder)
        assert str(disk) in str(caught.value)
        assert raw_tables(home) == before
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_the_pages_of_the_contract_are_in_step_with_it() -> None:
    for path, text in contract_pages.pages().items():
        assert path.read_text() == text, f"run `make contract`: {path.name}"


def test_the_invented_and_the_real_do_not_mix(home: Home, folder: Path) -> None:
    """Every number would be of both."""
    land_files(home, folder, is_demo=True)
    with pytest.raises(FlowgrainError, match="holds the demo organisation"):
        land_files(home, folder)
    real = Home(home.root.with_name("real"))
    land_files(real, folder)
    with pytest.raises(FlowgrainError, match="holds real data"):
        land_files(real, folder, is_demo=True)


def test_a_row_that_was_mended_leaves_the_list_of_the_doctor(home: Home, folder: Path) -> None:
    """What the file holds now counts; the books keep both loads."""
    line, _, reason = REASONS["a missing field"]
    write(folder, "changes", HEADER, GOOD, line)
    land_files(home, folder)
    assert reason in examine(home)["Quarantined"][0]
    write(folder, "changes", HEADER, GOOD)
    land_files(home, folder)
    assert examine(home)["Quarantined"] == []
    assert "run `flowgrain build`" in examine(home)["Not built"][0]
    assert len(query(home, "from door.quarantine")) == 1


DEPLOYMENT = {
    "id": "d-1", "environment": "PRODUCTION", "result": "SUCCESS", "displayTitle": "Hotfix for Zoe",
    "startedDate": "2026-03-02T08:55:00+00:00", "finishedDate": "2026-03-02T09:00:00+00:00",
    "deploymentCommits": [
        {"repoUrl": "https://host.invalid/shop/checkout.git", "commitSha": "abc",
         "commitMsg": CANARY}
    ],
}  # fmt: skip
INCIDENT = {
    "issueKey": "INC-1", "type": "INCIDENT", "title": CANARY, "creatorName": CANARY,
    "component": "s_001", "severity": "high", "createdDate": "2026-03-02T10:00:00+00:00",
    "resolutionDate": "2026-03-02T11:00:00+00:00",
}  # fmt: skip


def test_what_is_posted_to_devlake_may_be_written_here(home: Home, folder: Path) -> None:
    """Existing senders keep working, and nothing of a person that they send passes."""
    two = {**DEPLOYMENT, "id": "d-2", "environment": None, "result": None}
    two["deploymentCommits"] = [
        {"repoUrl": "git@host.invalid:shop/web.git", "commitSha": "def", "result": "FAILURE"},
        {"repoUrl": "basket", "commitSha": "ghi"},
        {"repoUrl": "git@host.invalid:shop/web.git", "commitSha": "jkl"},
    ]
    for name, records in (("deployments", (DEPLOYMENT, two)), ("incidents", (INCIDENT,))):
        lines = "\n\n".join(json.dumps(record) for record in records)
        (folder / f"{name}.jsonl").write_text(lines + "\n")
    assert_balanced(land_files(home, folder))
    assert query(
        home,
        "select deployment_id, repository, environment, result, commit_sha, is_hotfix, finished_at "
        "from raw_files.deployments order by all",
    ) == [
        ("d-1", "shop/checkout", "PRODUCTION", "success", "abc", True, datetime(2026, 3, 2, 9)),
        ("d-2@basket", "basket", "PRODUCTION", "success", "ghi", True, datetime(2026, 3, 2, 9)),
        ("d-2@shop/web", "shop/web", "PRODUCTION", "failure", "def", True, datetime(2026, 3, 2, 9)),
    ]
    # The second commit of a repository is part of what the deployment carries.
    assert query(home, "select deployment_id, repository, commit_sha from raw_files"
                 ".deployment_commits") == [("d-2@shop/web", "shop/web", "jkl")]  # fmt: skip
    assert query(
        home, "select incident_id, system, severity, resolved_at from raw_files.incidents"
    ) == [("INC-1", "s_001", "high", datetime(2026, 3, 2, 11))]
    assert land_files(home, folder).counts == {}


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        ("{", None, "not_json"),
        ("[]", None, "not_json"),
        ("[" * 100_000, None, "not_json"),
        ('"\udce9"', None, "not_utf8"),
        ("{}", None, "missing"),
        (json.dumps({**DEPLOYMENT, "deploymentCommits": [7]}), None, "not_json"),
        (json.dumps({**DEPLOYMENT, "id": None}), "deployment_id", "missing"),
        (json.dumps({**DEPLOYMENT, "id": {"a": 1}}), "deployment_id", "missing"),
        (json.dumps({**DEPLOYMENT, "result": "MAYBE"}), "result", "unknown_value"),
        (
            json.dumps({**DEPLOYMENT, "finishedDate": "2026-03-02T09:00:00"}),
            "finished_at", "tz_missing",
        ),
        (json.dumps({**DEPLOYMENT, "name": "x" * 1_000_000}), None, "field_too_long"),
    ],
)  # fmt: skip
def test_a_webhook_that_cannot_be_read_is_set_aside(
    home: Home, folder: Path, line: str, field: str | None, reason: str
) -> None:
    """With its line; the others land."""
    lines = f"{line}\n{json.dumps(DEPLOYMENT)}\n"
    (folder / "deployments.jsonl").write_text(lines, errors="surrogateescape")
    assert_balanced(land_files(home, folder))
    noted = "select row_number, field, reason from door.quarantine"
    assert query(home, noted) == [(1, field, reason)]
    assert len(query(home, "from raw_files.deployments")) == 1


def test_an_issue_that_is_no_incident_is_set_aside(home: Home, folder: Path) -> None:
    """It is no failure of a deployment."""
    (folder / "incidents.jsonl").write_text(json.dumps({**INCIDENT, "type": "BUG"}) + "\n")
    land_files(home, folder)
    assert query(home, "select reason from door.quarantine") == [("unknown_value",)]


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_another_mark_between_columns_is_named(home: Home, folder: Path, mark: str) -> None:
    """What is missing is not the first column, but the comma."""
    (folder / "changes.csv").write_text(f"{HEADER}\n{GOOD}\n".replace(",", mark))
    with pytest.raises(FlowgrainError, match="Separate columns by commas"):
        land_files(home, folder)
