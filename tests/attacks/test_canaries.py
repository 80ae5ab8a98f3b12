"""V04: who is in every account, text and id of the sources is in nothing that leaves the vault."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from canaries import PERSON, THING, spoken
from conftest import CanaryLab

FORMS = [form for word in (PERSON, THING) for form in spoken(word)]
DIGESTS = ("md5", "sha1", "sha256")


def found(content: bytes, forms: list[bytes]) -> list[bytes]:
    """Forms that stand in some bytes, whatever their case."""
    lowered = content.lower()
    return [form for form in forms if form in lowered]


def texts(lab: CanaryLab) -> Iterator[set[str]]:
    """Every text of the release, column by column."""
    with lab.published() as connection:
        columns = connection.execute(
            "select table_name, column_name from duckdb_columns() "
            "where database_name = 'marts' and data_type = 'VARCHAR'"
        ).fetchall()
        assert columns
        for table, column in columns:
            rows = connection.execute(f'select distinct "{column}" from "{table}"').fetchall()
            yield {text for (text,) in rows if text is not None}


@pytest.fixture(scope="module")
def exits(canary_lab: CanaryLab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that leaves beside the release, in one folder."""
    folder = tmp_path_factory.mktemp("exits")
    for arguments in (
        ("export", str(folder / "csv")),
        ("export", "--format", "parquet", str(folder / "parquet")),
        ("docs", str(folder / "docs")),
    ):
        canary_lab.told.append(canary_lab.run(*arguments))
    return folder


def test_the_release_tells_of_them_in_figures(canary_lab: CanaryLab) -> None:
    with canary_lab.published() as connection:
        told = dict(
            connection.execute(
                "select status, count(*) from metric_observations group by status"
            ).fetchall()
        )
    assert told["ok"] > 1000


def test_no_canary_is_in_the_release(canary_lab: CanaryLab) -> None:
    for path in canary_lab.home.published.parent.iterdir():
        assert found(path.read_bytes(), FORMS) == [], path.name


def test_no_digest_or_key_of_a_canary_is_in_the_release(canary_lab: CanaryLab) -> None:
    with (canary_lab.home.door / "identities.csv").open(encoding="utf-8") as file:
        accounts = [account for line in file for account in line.strip().split(",") if account]
    with canary_lab.vault() as vault:
        keys = {key for (key,) in vault.execute("select person_key from door.people").fetchall()}
    digests = {
        hashlib.new(name, account.encode()).hexdigest() for name in DIGESTS for account in accounts
    }
    assert len(keys) > 50
    assert any(PERSON in account for account in accounts)
    for column in texts(canary_lab):
        assert column.isdisjoint(digests | keys | set(accounts))


def test_no_canary_is_in_an_export_or_a_page(exits: Path) -> None:
    paths = [path for path in exits.rglob("*") if path.is_file()]
    assert {path.suffix for path in paths} >= {".csv", ".parquet", ".html"}
    for path in paths:
        content = path.read_bytes()
        if path.suffix == ".parquet":
            content += json.dumps(parquet.read_table(path).to_pydict(), default=str).encode()
        assert found(content, FORMS) == [], path.name


def test_no_canary_is_in_what_the_commands_say(canary_lab: CanaryLab, exits: Path) -> None:
    assert exits.exists()
    for text in canary_lab.told:
        assert found(text.encode(), FORMS) == []


def test_nobody_is_past_the_door(canary_lab: CanaryLab) -> None:
    """K01: beyond it are keys; what dbt wrote, compiled and logged knows nobody."""
    vault = canary_lab.home.vault.parent
    for path in vault.rglob("*"):
        if path.is_file() and path != canary_lab.home.vault:
            assert found(path.read_bytes(), spoken(PERSON)) == [], path.relative_to(vault)
    with canary_lab.vault() as connection:
        columns = connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns() "
            "where not internal and data_type = 'VARCHAR'"
        ).fetchall()
        for schema, table, column in columns:
            rows = connection.execute(
                f'select count(*) from "{schema}"."{table}" where '
                + " or ".join(f'lower("{column}") like ?' for _ in spoken(PERSON)),
                [f"%{form.decode()}%" for form in spoken(PERSON)],
            ).fetchone()
            assert rows == (0,), (schema, table, column)
