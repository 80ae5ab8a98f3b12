"""The page on reliability tells of every promise, and names no test that is not there."""

import re

import pytest

from orchestration.home import PROJECT

PAGE = (PROJECT / "docs/reliability.md").read_text(encoding="utf-8")
ROWS = {found[1]: found[0] for found in re.finditer(r"^\| (R\d+) \|.*$", PAGE, re.MULTILINE)}
PYTHON = re.compile(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`")
SQL = re.compile(r"`(tests/singular/\w+\.sql)`")
UNIT = re.compile(r"`([a-z_]+__[a-z0-9_]+)`")
UNIT_TESTS = "\n".join(path.read_text() for path in (PROJECT / "models").rglob("*.yml"))


def test_every_promise_has_a_row() -> None:
    assert list(ROWS) == [f"R{number}" for number in range(1, 33)]


@pytest.mark.parametrize("promise", ROWS)
def test_a_promise_names_tests_that_are_there_or_says_not_yet(promise: str) -> None:
    row = ROWS[promise]
    for path, name in PYTHON.findall(row):
        assert (PROJECT / path).exists(), path
        assert not name or f"\ndef {name}(" in (PROJECT / path).read_text(), f"{path}::{name}"
    for path in SQL.findall(row):
        assert (PROJECT / path).exists(), path
    for name in UNIT.findall(row):
        assert f"- name: {name}\n" in UNIT_TESTS, name
    held = PYTHON.search(row) or SQL.search(row) or UNIT.search(row)
    assert held or "Not yet" in row
