"""V04: who is in every account, text and id of the sources is in nothing that leaves the vault."""

import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from canaries import LABELS, PERSON, THING, spoken, written
from conftest import CanaryLab
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.home import PROJECT
from orchestration.questions import questions

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


def labels(lab: CanaryLab, seed: str) -> set[str]:
    """Labels that the organisation gives, as its file has them."""
    with (lab.organisation / f"{seed}.csv").open(newline="", encoding="utf-8") as file:
        return {row[f"{LABELS[seed]}_label"] for row in csv.DictReader(file)}


@pytest.mark.parametrize("seed", LABELS)
def test_a_label_that_something_could_run_is_text_in_the_release_and_in_files(
    canary_lab: CanaryLab, exits: Path, seed: str
) -> None:
    """R22: through dbt, the gate and what is exported, not a letter of it changes."""
    table, column = f"dim_{LABELS[seed]}", f"{LABELS[seed]}_label"
    with canary_lab.published() as connection:
        told = connection.execute(f"select distinct {column} from {table}").fetchall()
    given = labels(canary_lab, seed)
    assert {text for (text,) in told} == given
    assert len({label.rsplit(" ", 1)[0] for label in given}) > 3
    with (exits / "csv" / f"{table}.csv").open(newline="", encoding="utf-8") as file:
        assert {row[column] for row in csv.DictReader(file)} == given
    assert (
        set(parquet.read_table(exits / "parquet" / f"{table}.parquet")[column].to_pylist()) == given
    )


def test_a_label_stands_in_a_sentence_as_it_is(canary_lab: CanaryLab) -> None:
    """Also one that has the form of a part of the sentence."""
    with canary_lab.published() as connection:
        told = connection.execute(
            "select value_stream_label, sentence from findings "
            "inner join dim_value_stream on grain_key = value_stream_key"
        ).fetchall()
    assert told
    for label, sentence in told:
        assert label in sentence


def test_no_label_runs_where_it_is_shown(
    canary_lab: CanaryLab, exits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a shell, on a page and on a screen."""
    for path in (exits / "docs").rglob("*.html"):
        assert "<script>alert(7)" not in path.read_text(encoding="utf-8")
    monkeypatch.setenv("FLOWGRAIN_HOME", str(canary_lab.home.root))
    told = []
    for question in questions():
        done = CliRunner().invoke(app, ["ask", question.name])
        assert done.exit_code == 0, question.name
        told.append(done.output)
    assert CliRunner().invoke(app, ["summary"]).exit_code == 0
    shown = "".join("".join(told).split())
    assert any("".join(label.split()) in shown for label in labels(canary_lab, "systems"))
    assert not list(canary_lab.organisation.parent.rglob("pwned"))
    assert not list(PROJECT.glob("pwned"))


def test_no_secret_is_in_any_file_or_in_what_was_told(canary_lab: CanaryLab, exits: Path) -> None:
    """R23, of a whole build and release, and of servers that cannot be reached."""
    for command in (("land", "devlake"), ("verify",)):
        with pytest.raises(RuntimeError, match="nothing listens there") as refused:
            canary_lab.run(*command, environment=canary_lab.secrets)
        canary_lab.told.append(str(refused.value))
    forms = written(canary_lab.organisation.parent)
    folders = (canary_lab.home.root, exits, PROJECT / ".organisation")
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert {"vault.duckdb", "manifest.json", "dbt.log", "marts.duckdb"} <= {p.name for p in files}
    for path in files:
        content = path.read_bytes()
        assert not any(form in content for form in forms), path.name
    for text in canary_lab.told:
        assert not any(form in text.encode() for form in forms)
