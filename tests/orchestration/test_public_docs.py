"""The page for the public, of the real project: it tells the marts and nothing below them."""

import csv
import re
import sys
from pathlib import Path

import pytest
from conftest import Lab

from orchestration.errors import FlowgrainError
from orchestration.floor_guard.public_docs import write_docs
from orchestration.home import PROJECT
from orchestration.validation import published
from orchestration.validation.counting import Rule
from orchestration.validation.published import write_expectations


def test_the_page_tells_the_marts_and_nothing_below_them(lab: Lab, tmp_path: Path) -> None:
    """A01: names, SQL, places and people of the vault are not the public's."""
    text = write_docs(lab.home, tmp_path / "out").read_text(encoding="utf-8")
    for name, model in lab.models.items():
        is_mart = model["fqn"][1] == "marts"
        assert (f'"{name}"' in text) == is_mart, name
        if is_mart:
            assert model["description"].strip() in text.replace("\\n", "\n").replace('\\"', '"')
            continue
        assert name not in text, name
    for model in lab.models.values():
        lines = [line.strip() for line in model["raw_code"].splitlines()]
        assert not [line for line in lines if len(line) > 40 and line in text], model["name"]
    for place in (lab.home.root, PROJECT, tmp_path, Path(sys.prefix)):
        assert str(place) not in text
    with (lab.home.door / "identities.csv").open(newline="", encoding="utf-8") as file:
        people = {cell for row in csv.reader(file) for cell in row if "@" in cell}
    assert people
    assert not [who for who in people if who in text]


def test_the_pages_of_expectations_tell_every_published_table_and_load_nothing(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever opens one asks no other machine for anything; what is not met is marked so."""
    of_contract = published.rules

    def with_one_broken(table: published.PublishedTable) -> list[Rule]:
        broken = [Rule("is_small", (), "select 3, 4")] if table.name == "dim_team" else []
        return [*of_contract(table), *broken]

    monkeypatch.setattr(published, "rules", with_one_broken)
    index = write_expectations(lab.home, tmp_path / "out").read_text(encoding="utf-8")
    with lab.published() as connection:
        tables = {
            name
            for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()
        }
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (tmp_path / "out").iterdir()}
    assert set(pages) == tables | {"index"}
    for name, page in pages.items():
        assert "default-src 'none'" in page
        assert "http://" not in page.replace("http://www.w3.org", ""), name
        assert "https://" not in page, name
        assert "<script" not in page, name
        assert ("text-danger" in page.partition("</style>")[2]) == (name == "dim_team"), name
        assert f'<a href="{name}.html">' in index or name == "index"
        for place in (lab.home.root, PROJECT, tmp_path, Path(sys.prefix)):
            assert str(place) not in page
        for model in lab.models.values():
            assert model["fqn"][1] == "marts" or model["name"] not in page, name
    met = re.findall(r'<a href="(\w+)\.html">.*?<td>(\d+)</td></tr>', index)
    assert {name: int(count) for name, count in met if count != "0"} == {"dim_team": 1}


def test_the_pages_of_expectations_stay_out_of_what_is_guarded(lab: Lab) -> None:
    """A10: nothing is written among the vault's files."""
    with pytest.raises(FlowgrainError, match="GL-A10"):
        write_expectations(lab.home, lab.home.ops / "pages")
