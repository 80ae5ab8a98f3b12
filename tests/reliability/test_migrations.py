"""R28: a vault says its version; an older one is migrated or stays whole, a newer one refused."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pages
import pytest
import stored_vaults
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.doctor import examine
from orchestration.errors import FlowgrainError
from orchestration.home import PROJECT, Home
from orchestration.landing import vault as vaults
from orchestration.landing.files import land_files
from orchestration.landing.vault import Step, open_vault, read_vault

NOW = len(vaults.STEPS)
MIGRATE_AND_DIE = """
import os, signal, sys
from pathlib import Path
from orchestration.home import Home
from orchestration.landing import vault
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
setattr(*{"copied": (vault, "_lay_down", die), "whole": (os, "replace", die)}[sys.argv[2]])
home = Home(Path(sys.argv[1]))
with home.writing():
    vault.open_vault(home)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the same rows as in every stored vault landed today, and their files."""
    folder = tmp_path_factory.mktemp("landed")
    assert stored_vaults.land(Home(folder / "home"), folder / "extract") > 0
    return folder


@pytest.fixture
def fresh(landed: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The vault of those rows."""
    with read_vault(Home(landed / "home")) as vault:
        yield vault


def say_version(home: Home, version: int | None) -> str:
    """Have a vault say another version, or none; return the digest of its file."""
    with duckdb.connect(str(home.vault)) as vault:
        if version is None:
            vault.execute("drop table door.migrations")
        else:
            vault.execute("insert into door.migrations values (?, null)", [version])
    return digest(home)


def digest(home: Home) -> str:
    return hashlib.sha256(home.vault.read_bytes()).hexdigest()


def files_beside(home: Home) -> list[str]:
    """What lies where the vault lies."""
    return sorted(path.name for path in home.vault.parent.iterdir() if path != home.ops)


def migrate(home: Home) -> stored_vaults.Contents:
    """Open a vault as every writer does; return what it holds then."""
    with home.writing():
        open_vault(home).close()
    with read_vault(home) as vault:
        return stored_vaults.contents(vault)


@pytest.mark.parametrize("version", [0, *stored_vaults.versions()])
def test_the_vault_of_each_release_becomes_what_a_fresh_landing_makes(
    version: int, home: Home, tmp_path: Path, fresh: duckdb.DuckDBPyConnection
) -> None:
    stored_vaults.restore(version or 1, home)
    if version == 0:
        say_version(home, None)
    assert migrate(home) == stored_vaults.contents(fresh)
    assert files_beside(home) == ["vault.duckdb"]
    assert home.vault.stat().st_mode & 0o777 == 0o600
    with read_vault(home) as vault:
        assert stored_vaults.columns(vault) == stored_vaults.columns(fresh)
        said = vault.execute("select max(version), count(*) from door.migrations").fetchall()
        assert said == [(NOW, 1 if version in (0, NOW) else 2)]
    goes_on(home, tmp_path)


def goes_on(home: Home, folder: Path) -> None:
    """What landed is known, what is new lands, and no number of a load is given twice."""
    assert stored_vaults.land(home, folder / "extract") == 0
    told = stored_vaults.EXTRACT["work_items"].replace("PAY-1", "PAY-9")
    (folder / "extract/work_items.csv").write_text(told)
    assert land_files(home, folder / "extract").counts["work_items"].rows_inserted == 1
    with read_vault(home) as vault:
        loads = [row["load_id"] for row in stored_vaults.contents(vault)["door.loads"]]
    assert len(set(loads)) == len(loads) == 5


def test_what_is_laid_down_today_is_what_the_newest_stored_vault_has(
    home: Home, fresh: duckdb.DuckDBPyConnection
) -> None:
    """Where this fails, add a step to `landing/vault.py`, then store its vault."""
    assert stored_vaults.versions() == list(range(1, NOW + 1))
    stored_vaults.restore(NOW, home)
    with duckdb.connect(str(home.vault), read_only=True) as stored:
        assert stored_vaults.columns(stored) == stored_vaults.columns(fresh)


def test_a_step_changes_what_it_says_and_no_row_else(
    home: Home, monkeypatch: pytest.MonkeyPatch, fresh: duckdb.DuckDBPyConnection
) -> None:
    stored_vaults.restore(NOW, home)
    marked = Step(
        (
            "alter table raw_files.work_items add column was_marked boolean",
            "update raw_files.work_items set was_marked = work_item_id = 'PAY-1'",
            "delete from raw_files.headcounts",
        ),
        recounted=frozenset({"raw_files.headcounts"}),
    )
    monkeypatch.setattr(vaults, "STEPS", (*vaults.STEPS, Step(), marked))
    expected = stored_vaults.contents(fresh)
    expected["raw_files.headcounts"] = []
    expected["raw_files.work_items"][0]["was_marked"] = True
    assert migrate(home) == expected
    # The second time there is nothing to do.
    before = digest(home)
    assert migrate(home) == expected
    assert digest(home) == before


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("delete from raw_files.changes where change_id = '2'", "raw_files.changes"),
        ("drop table raw_github.pull_requests", "raw_github.pull_requests"),
        ("insert into door.people values ('a', 'b', true)", "door.people"),
        ("select cast(repository as integer) from raw_files.changes", "ConversionException"),
    ],
)
def test_a_migration_that_loses_rows_or_fails_leaves_the_vault_as_it_was(
    home: Home, monkeypatch: pytest.MonkeyPatch, statement: str, told: str
) -> None:
    stored_vaults.restore(NOW, home)
    before = digest(home)
    monkeypatch.setattr(vaults, "STEPS", (*vaults.STEPS, Step((statement,))))
    with pytest.raises(FlowgrainError, match=told) as caught, vaults.plain_errors(home):
        open_vault(home)
    assert "shop" not in str(caught.value)
    assert (digest(home), files_beside(home)) == (before, ["vault.duckdb"])


def test_without_room_for_a_copy_the_vault_stays_as_it_was(home: Home) -> None:
    stored_vaults.restore(1, home)
    before = say_version(home, None)
    size, old = home.vault.stat().st_size, home.vault.rename(home.root / "old.duckdb")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size * 3 // 2}", "tmpfs", str(home.vault.parent)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("a small file system can be mounted by root only")
    try:
        shutil.copy(old, home.vault)
        with pytest.raises(FlowgrainError, match="Make room") as caught, home.writing():
            open_vault(home)
        assert str(home.vault) in str(caught.value)
        assert digest(home) == before
        assert files_beside(home) == ["vault.duckdb"]
    finally:
        subprocess.run(["umount", str(home.vault.parent)], check=True)


@pytest.mark.parametrize("when", ["copied", "whole"])
def test_a_killed_migration_leaves_the_old_vault_whole_and_the_next_one_goes_through(
    home: Home, fresh: duckdb.DuckDBPyConnection, when: str
) -> None:
    stored_vaults.restore(1, home)
    before = say_version(home, None)
    done = subprocess.run(
        [sys.executable, "-c", MIGRATE_AND_DIE, str(home.root), when],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert digest(home) == before
    assert "vault.duckdb.next" in files_beside(home)
    assert migrate(home) == stored_vaults.contents(fresh)
    assert files_beside(home) == ["vault.duckdb"]


COMMANDS = (
    ["land", "files", "{folder}"],
    ["land", "github", "{folder}/pages"],
    ["land", "accounts", "{folder}/identities.csv"],
    ["accounts"],
    ["replay"],
    ["build"],
    ["publish"],
    ["doctor"],
    ["validate"],
    ["init", "{folder}/organisation"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_vault_of_a_newer_flowgrain_is_refused_in_one_line_and_not_touched(
    home: Home, landed: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    folder = landed / "extract"
    shutil.copytree(landed / "home", home.root)
    before = say_version(home, 99)
    monkeypatch.setenv("FLOWGRAIN_HOME", str(home.root))
    # The gate's own check of the project takes its time, and opens no vault.
    monkeypatch.setattr("orchestration.floor_guard.publish.compile_project", lambda *_, **__: {})
    monkeypatch.setattr("orchestration.floor_guard.publish.check_project", lambda *_: [])
    done = CliRunner().invoke(app, [word.format(folder=folder) for word in command])
    assert done.exit_code == 1, done.output
    assert done.output.count("\n") == 1
    assert done.output.startswith(f"flowgrain: {home.vault} is of version 99")
    for said in (f"knows {NOW} at most", "newer", "backup"):
        assert said in done.output
    assert (digest(home), files_beside(home)) == (before, ["vault.duckdb"])


def test_a_reader_of_an_older_vault_is_told_what_migrates_it(home: Home) -> None:
    stored_vaults.restore(1, home)
    before = say_version(home, None)
    with pytest.raises(FlowgrainError, match=f"version 0, .* reads version {NOW}.*build"):
        examine(home)
    assert digest(home) == before


def test_a_vault_in_which_nothing_landed_is_of_no_version(home: Home) -> None:
    """dbt may have made the file first."""
    home.prepare()
    duckdb.connect(str(home.vault)).close()
    with read_vault(home):
        pass
    assert all(rows == [] for rows in migrate(home).values())


def test_a_new_vault_is_of_the_pinned_form_and_an_old_one_keeps_its_own(home: Home) -> None:
    form = "select tags['storage_version'] from duckdb_databases() where not internal"
    with open_vault(home.prepare()) as vault:
        assert vault.execute(form).fetchall() == [("v2.0.0+",)]
    home.vault.unlink()
    with duckdb.connect() as before:
        before.execute(f"attach '{home.vault}' (storage_version 'v1.2.0')")
    with open_vault(home) as vault:
        assert vault.execute(form).fetchall() == [("v1.2.0+",)]


def test_a_vault_goes_through_parquet_as_the_page_tells_it(
    home: Home, landed: Path, tmp_path: Path
) -> None:
    shutil.copytree(landed / "home", home.root)
    with read_vault(home) as vault:
        before = stored_vaults.contents(vault), stored_vaults.columns(vault)
    for block in pages.commands("operations.md", "Upgrade")[1:]:
        pages.run(
            block.replace(".venv/bin/python", sys.executable), {"FLOWGRAIN_HOME": str(home.root)}
        )
    with read_vault(home) as vault:
        assert (stored_vaults.contents(vault), stored_vaults.columns(vault)) == before
    goes_on(home, tmp_path)


def test_a_vault_of_a_newer_duckdb_is_said(home: Home) -> None:
    stored_vaults.restore(NOW, home)
    forge(home.vault, 9_999)
    with pytest.raises(FlowgrainError, match="another DuckDB") as caught:
        examine(home)
    assert duckdb.__version__ in str(caught.value)


def forge(path: Path, version: int) -> None:
    """Have a file say another form of storage, with the checksum that DuckDB finds of it."""
    content = bytearray(path.read_bytes())
    content[12:20] = version.to_bytes(8, "little")
    path.write_bytes(content)
    with pytest.raises(duckdb.Error) as caught:
        duckdb.connect(str(path))
    found = re.search(r"computed checksum (\d+)", str(caught.value))
    assert found
    content[:8] = int(found[1]).to_bytes(8, "little")
    path.write_bytes(content)
