"""What leaves beside the published file holds the release and nothing else."""

import csv
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as parquet
import pytest
from publish_lab import CANARY, CANARY_LOGIN, CONTRACTS, Lab, person
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.errors import FlowgrainError
from orchestration.floor_guard import exits, publish
from orchestration.floor_guard.export import WRITERS, Form, export
from orchestration.floor_guard.public_docs import write_docs
from orchestration.home import PROJECT

CANDIDATES = "flowgrain_candidate"
FORMS: tuple[Form, ...] = ("csv", "parquet")
FORMULA = "=1+1"


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make one installation that the gate passed, to be copied for each attack."""
    root = tmp_path_factory.mktemp("exits") / "home"
    Lab(root).publish()
    return root


@pytest.fixture
def lab(honest: Path, tmp_path: Path) -> Lab:
    """Give an installation of its own, published once."""
    root = tmp_path / "home"
    shutil.copytree(honest, root)
    return Lab.at(root)


def cells(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file as texts."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def define(lab: Lab, text: str) -> None:
    """Say something else of a metric, and publish it."""
    with lab.vault() as connection:
        for table in ("flowgrain_seeds.metrics", f"{CANDIDATES}.dim_metric"):
            connection.execute(
                f"update {table} set definition = ? where metric_key = 'flow_velocity'", [text]
            )
    lab.publish()


# A10: files.


@pytest.mark.parametrize("form", FORMS)
def test_files_hold_the_release_row_by_row(lab: Lab, form: Form, tmp_path: Path) -> None:
    files = export(lab.home, tmp_path / "out", form=form)
    assert [file.name for file in files] == [f"{name}.{form}" for name in sorted(CONTRACTS)]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f.name for f in files]
    connection = duckdb.connect()
    connection.execute(f"attach '{lab.home.published}' as released (read_only)")
    for file in files:
        columns = CONTRACTS[file.stem]
        kinds = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
        read = f"read_parquet('{file}')"
        if form == "csv":
            read = f"read_csv('{file}', header = true, columns = {{{kinds}}})"
        released = f"released.marts.{file.stem}"
        differing = connection.execute(
            f"(from {read} except all from {released}) "
            f"union all (from {released} except all from {read})"
        ).fetchall()
        assert differing == []
    connection.close()


@pytest.mark.parametrize("form", FORMS)
def test_the_same_release_gives_the_same_bytes(lab: Lab, form: Form, tmp_path: Path) -> None:
    first = [path.read_bytes() for path in export(lab.home, tmp_path / "one", form=form)]
    lab.publish()
    second = [path.read_bytes() for path in export(lab.home, tmp_path / "two", form=form)]
    assert first == second


def test_a_formula_is_refused_as_a_label_and_escaped_in_a_file(lab: Lab, tmp_path: Path) -> None:
    """ATK66: no spreadsheet runs what a source has called something."""
    define(lab, FORMULA)
    export(lab.home, tmp_path / "out")
    told = {row["metric_key"]: row["definition"] for row in cells(tmp_path / "out/dim_metric.csv")}
    assert told["flow_velocity"] == f"'{FORMULA}"
    assert told["flow_load"] == "Open at the end"
    lab.sql(f"update flowgrain_seeds.teams set team_label = '{FORMULA}' where team_key = 't_01'")
    with pytest.raises(FlowgrainError) as caught:
        lab.publish()
    assert caught.value.rule == "V07"
    done = CliRunner().invoke(app, ["export", str(tmp_path), "--partition-by", "author"])
    assert done.exit_code == 2


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_a_spreadsheet_would_run_is_shown(lab: Lab, start: str, tmp_path: Path) -> None:
    define(lab, f'{start}("a")')
    export(lab.home, tmp_path / "out")
    text = (tmp_path / "out/dim_metric.csv").read_bytes().decode()
    assert f',"\'{start}(""a"")",' in text


def test_numbers_stay_and_null_is_not_empty(lab: Lab, tmp_path: Path) -> None:
    lab.add_column("dim_team", "more", "numeric(18, 8)", "-0.00000001")
    lab.sql(f"update {CANDIDATES}.dim_team set more = null where team_key = 't_02'")
    define(lab, "")
    export(lab.home, tmp_path / "out")
    assert (tmp_path / "out/dim_team.csv").read_text() == (
        "team_key,team_label,value_stream_key,more\n"
        '"t_01","Checkout","vs_1",-0.00000001\n'
        '"t_02","Ledger","vs_2",\n'
    )
    assert '"flow_velocity","","P"\n' in (tmp_path / "out/dim_metric.csv").read_text()
    observations = cells(tmp_path / "out/metric_observations.csv")
    assert {row["value"] for row in observations} == {"", "0.2000", "40.0000"}
    assert 'false,40,"ok",2026-04-10\n' in (tmp_path / "out/wait_intensity.csv").read_text()


def test_parquet_says_nothing_beside_its_schema(lab: Lab, tmp_path: Path) -> None:
    """V05: key-value metadata would be texts that no scan has read."""
    for path in export(lab.home, tmp_path / "out", form="parquet"):
        file = parquet.ParquetFile(path)
        assert file.metadata.metadata is None
        assert file.schema_arrow.metadata is None
        assert file.schema_arrow.names == list(CONTRACTS[path.stem])
        assert str(tmp_path).encode() not in path.read_bytes()


@pytest.mark.parametrize("place", ["door", "vault", "vault/ops/new", "published", "link/new"])
def test_a_folder_among_what_is_guarded_is_refused(lab: Lab, place: str) -> None:
    (lab.home.root / "link").symlink_to(lab.home.vault.parent)
    before = sorted(lab.home.root.rglob("*"))
    for folder in (lab.home.root / place, lab.home.root / "door" / ".." / place):
        with pytest.raises(FlowgrainError) as caught:
            export(lab.home, folder)
        assert caught.value.rule == "A10"
    assert sorted(lab.home.root.rglob("*")) == before


def test_nothing_is_written_of_a_file_that_was_changed(lab: Lab, tmp_path: Path) -> None:
    lab.home.published.chmod(0o644)
    with duckdb.connect(str(lab.home.published)) as connection:
        connection.execute("update marts.marts.metric_observations set value = 41")
    lab.home.published.chmod(0o444)
    with pytest.raises(FlowgrainError) as caught:
        export(lab.home, tmp_path / "out")
    assert caught.value.rule == "S03"
    assert not (tmp_path / "out").exists()


def test_a_release_that_comes_in_between_is_verified_as_well(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written is of one release, and of one that was verified."""
    verified = []

    def verify(home: object) -> object:
        done = publish.verify(lab.home)
        verified.append(done.release)
        if len(verified) == 1:
            define(lab, "Another release")
        return done

    monkeypatch.setattr(exits, "verify", verify)
    export(lab.home, tmp_path / "out")
    assert len(set(verified)) == 2
    assert "Another release" in (tmp_path / "out/dim_metric.csv").read_text()


@pytest.mark.parametrize("form", FORMS)
def test_files_appear_whole_or_not_at_all(
    lab: Lab, form: Form, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = WRITERS[form]

    def fill_the_disk(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
        write(connection, query, path)
        if path.stem == "metric_observations":
            raise OSError(28, "No space left on device")

    monkeypatch.setitem(WRITERS, form, fill_the_disk)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / f"dim_team.{form}").write_text("of before")
    with pytest.raises(FlowgrainError, match="No space left"):
        export(lab.home, tmp_path / "out", form=form)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f"dim_team.{form}"]
    assert (tmp_path / "out" / f"dim_team.{form}").read_text() == "of before"


def test_a_link_in_the_folder_is_replaced_and_not_followed(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    os.symlink(lab.home.vault, tmp_path / "out/dim_team.csv")
    before = lab.home.vault.read_bytes()
    export(lab.home, tmp_path / "out")
    assert lab.home.vault.read_bytes() == before
    assert not (tmp_path / "out/dim_team.csv").is_symlink()


# A01: the page for the public.

JINJA = (
    "{{ env_var('DBT_ENV_CUSTOM_ENV_WHO') }} {% set x = 1 %}{# gone #} \"a\\b\" \u00fc \U0001f600"
)


@pytest.fixture(scope="module")
def page(honest: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lab, str]:
    """Give dbt's page of a release, and its text; a column's comment looks like Jinja."""
    root = tmp_path_factory.mktemp("docs")
    shutil.copytree(honest, root / "home")
    lab = Lab.at(root / "home")
    with lab.node("dim_team") as node:
        node["columns"]["team_label"]["description"] = JINJA
    lab.publish()
    before = sorted(PROJECT.iterdir())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBT_ENV_CUSTOM_ENV_WHO", CANARY)
        patch.setenv("DBT_TARGET_PATH", str(root / "elsewhere"))
        patch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "true")
        written = write_docs(lab.home, root / "out")
    assert sorted(PROJECT.iterdir()) == before
    assert sorted(path.name for path in root.iterdir()) == ["home", "out"]
    assert list((root / "out").iterdir()) == [written]
    return lab, written.read_text(encoding="utf-8")


def inlined(text: str, start: str) -> dict[str, Any]:
    """Return the document of dbt's that stands in the page from `start` on."""
    document, _ = json.JSONDecoder().raw_decode(text, text.index(start))
    assert isinstance(document, dict)
    return document


def test_the_page_describes_the_published_tables(page: tuple[Lab, str]) -> None:
    lab, text = page
    manifest = inlined(
        text, '{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/m'
    )
    told = {source["name"]: source for source in manifest["sources"].values()}
    assert sorted(told) == sorted(CONTRACTS)
    assert manifest["nodes"] == manifest["exposures"] == manifest["groups"] == {}
    for name, columns in CONTRACTS.items():
        assert list(told[name]["columns"]) == list(columns)
        assert told[name]["description"] == f"One row per {name}."
    assert told["dim_team"]["columns"]["team_label"]["description"] == JINJA
    assert told["metric_observations"]["columns"]["value"]["data_type"] == "DECIMAL(18,4)"
    assert (
        publish.verify(lab.home).release
        in manifest["docs"]["doc.flowgrain_published.__overview__"]["block_contents"]
    )
    catalog = inlined(text, '{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/c')
    assert len(catalog["sources"]) == len(CONTRACTS)


def test_the_page_holds_nothing_of_the_machine_and_nobody(page: tuple[Lab, str]) -> None:
    lab, text = page
    packages = {macro.split(".")[1] for macro in inlined(text, '{"metadata"')["macros"]}
    assert packages == {"dbt", "dbt_duckdb"}
    assert inlined(text, '{"metadata"')["metadata"]["send_anonymous_usage_stats"] is False
    assert inlined(text, '{"metadata"')["metadata"]["env"] == {}
    for secret in (CANARY, CANARY_LOGIN, person(10), str(lab.home.root), str(PROJECT), sys.prefix):
        assert secret not in text
    assert list((lab.home.ops / "tmp").iterdir()) == []
    assert not (lab.home.ops / "logs").exists()


def test_no_page_is_written_of_a_changed_file_or_into_the_vault(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(FlowgrainError) as caught:
        write_docs(lab.home, lab.home.ops / "docs")
    assert caught.value.rule == "A10"
    lab.home.release_report.write_text("{}")
    with pytest.raises(FlowgrainError) as caught:
        write_docs(lab.home, tmp_path / "out")
    assert caught.value.rule == "S03"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "question",
    [
        "attach '{vault}' as restricted",
        "select * from read_csv('{door}/identities.csv')",
        "select * from read_text('{door}/identities.csv')",
        "select * from glob('{door}/*')",
        "copy marts.dim_team to '{door}/taken.csv'",
        "set enable_external_access = true",
        "install httpfs",
        "load httpfs",
        "create table marts.mine as select 1 as one",
        "update marts.metric_observations set value = 1",
        "select getenv('HOME')",
        "select person_key from flowgrain_vault.int_activity",
    ],
)
def test_whoever_asks_the_release_gets_the_release(lab: Lab, question: str) -> None:
    """ATK67: whatever words a question is made of, it ends in a session such as this."""
    with exits.open_verified(lab.home) as (_, connection):
        sql = question.format(vault=lab.home.vault, door=lab.home.door)
        with pytest.raises(duckdb.Error) as error:
            connection.execute(sql)
        assert CANARY.lower() not in str(error.value).lower()
        schemas = connection.execute("select distinct schema_name from duckdb_tables()").fetchall()
        assert schemas == [("marts",)]
