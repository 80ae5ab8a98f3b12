"""A vault of each version that was released, as text, and what landed in each of them.

`python tests/reliability/stored_vaults.py` writes that of the newest version anew. Once released it
is never written again: what changes in what is laid down is a step of `landing/vault.py` more.
"""

import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from orchestration.floor_guard.rules import literal
from orchestration.home import Home
from orchestration.landing.files import land_files
from orchestration.landing.github import land_github
from orchestration.landing.vault import STEPS, read_vault

FOLDER = Path(__file__).with_name("vaults")
# Invented, and the same each time: so are the keys of people.
KEY = b"an invented key that keys nobody"
EXTRACT = {
    "changes": """\
repository,change_id,author,opened_at,merged_at,title
shop/checkout,1,ada@shop.invalid,2026-03-02T09:00:00Z,2026-03-03T09:00:00.25Z,PAY-1 Retry
shop/it's,2,bo@shop.invalid,2026-03-04T09:00:00Z,,
shop/checkout,3,bo@shop.invalid,2026-03-04T09:00:00,,its time has no zone
""",
    "work_items": "work_item_id,created_at\nPAY-1,2026-02-01T08:00:00Z\n",
    "headcounts": "quarter,team,people_count,leaver_count\n2026-q1,Checkout,12.5,1\n",
    "identities": "alias,person\nada@shop.invalid,ada\nada-example,ada\n",
    "extract": "loaded_to\n2026-04-01T00:00:00Z\n",
}
PULL_REQUEST = {
    "number": 7,
    "user": {"login": "ada-example", "type": "User"},
    "created_at": "2026-03-02T09:00:00Z",
    "updated_at": "2026-03-03T09:00:00Z",
    "base": {"repo": {"full_name": "shop/ledger"}},
}
MARK = datetime(2026, 4, 1, tzinfo=UTC)
# What a row has of the hour it landed, and of the release that landed it.
OF_THE_LANDING = {"landed_at", "contract_version", "_row_hash"}
Contents = dict[str, list[dict[str, Any]]]


def land(home: Home, folder: Path) -> int:
    """Land the same as in every stored vault; return how many rows were new."""
    home.prepare()
    key = home.door / "person.key"
    if not key.exists():
        key.write_bytes(KEY)
        key.chmod(0o400)
    folder.mkdir(exist_ok=True)
    for name, text in EXTRACT.items():
        (folder / f"{name}.csv").write_text(text)
    pages = folder / "pages"
    pages.mkdir(exist_ok=True)
    told = json.dumps(PULL_REQUEST).replace('"', '""')
    (pages / "_raw_github_api_pull_requests.csv").write_text(f'id,data\n1,"{told}"\n')
    done = (land_files(home, folder), land_github(home, pages, loaded_to=MARK))
    return sum(count.rows_inserted for landing in done for count in landing.counts.values())


def columns(vault: duckdb.DuckDBPyConnection) -> set[tuple[str, str, str, str]]:
    """What there is to hold rows: schema, table, column and type."""
    return set(
        vault.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns() "
            "where not internal"
        ).fetchall()
    )


def contents(vault: duckdb.DuckDBPyConnection) -> Contents:
    """Rows of every table by the name of each column, but for what is of the landing itself."""
    found: Contents = {}
    for schema, table in vault.execute(
        "select schema_name, table_name from duckdb_tables() where table_name != 'migrations'"
    ).fetchall():
        told = vault.sql(f'from "{schema}"."{table}"').to_arrow_table()
        rows = told.select(sorted(set(told.column_names) - OF_THE_LANDING)).to_pylist()
        found[f"{schema}.{table}"] = sorted(rows, key=repr)
    return found


def versions() -> list[int]:
    """Versions of which a vault is stored."""
    return sorted(int(re.sub(r"\D", "", path.stem)) for path in FOLDER.iterdir())


def restore(version: int, home: Home) -> None:
    """Make the vault that a release of that version left."""
    home.prepare()
    with duckdb.connect(str(home.vault)) as vault:
        vault.execute((FOLDER / f"version_{version}.txt").read_text())


def _as_text(vault: duckdb.DuckDBPyConnection) -> str:
    with TemporaryDirectory() as folder:
        vault.execute(f"export database {literal(folder)}")
        lines = (Path(folder) / "schema.sql").read_text().split("\n")
    for schema, table in vault.execute(
        "select schema_name, table_name from duckdb_tables() order by all"
    ).fetchall():
        for row in vault.execute(f'from "{schema}"."{table}" order by all').fetchall():
            values = ", ".join("null" if v is None else literal(str(v)) for v in row)
            lines.append(f'INSERT INTO "{schema}"."{table}" VALUES ({values});')
    return "\n".join(line for line in lines if line) + "\n"


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        land(home, Path(folder) / "extract")
        with read_vault(home) as vault:
            FOLDER.mkdir(exist_ok=True)
            path = FOLDER / f"version_{len(STEPS)}.txt"
            path.write_text(_as_text(vault))
        sys.stdout.write(f"{path}: {path.stat().st_size:,} bytes\n")
