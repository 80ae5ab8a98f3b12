"""The page for the public, of the real project: it tells the marts and nothing below them."""

import csv
import sys
from pathlib import Path

from conftest import Lab

from orchestration.floor_guard.public_docs import write_docs
from orchestration.home import PROJECT


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
