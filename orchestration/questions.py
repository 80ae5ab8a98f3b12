"""The questions of analyses/, answered from the published file and from nothing else."""

from dataclasses import dataclass
from decimal import Decimal

import duckdb

from orchestration.errors import FlowgrainError
from orchestration.floor_guard.constants import PUBLISHED_SCHEMA
from orchestration.floor_guard.vocabulary import open_published
from orchestration.home import PROJECT, Home

ANALYSES = PROJECT / "analyses"
PAGE = PROJECT / "docs" / "questions.md"
INTRODUCTION = """# Questions

What leaders ask, as SQL on the published tables (`analyses/`), with the answers of the demo.
`flowgrain ask` lists the questions, `flowgrain ask NAME` answers one from your own release; any BI
tool can run them, with the schema of the release as its search path.
This page is written by `make answers`.
"""


@dataclass(frozen=True)
class Question:
    """A file of analyses/: its name, the question in its first line, and its SQL."""

    name: str
    text: str
    sql: str


@dataclass(frozen=True)
class Answer:
    """What a query gave: names of the columns, and its rows as text."""

    columns: list[str]
    rows: list[list[str]]


def questions() -> list[Question]:
    """Every question that there is, by name."""
    return [
        Question(path.stem, sql.splitlines()[0].removeprefix("--").strip(), sql)
        for path in sorted(ANALYSES.glob("*.sql"))
        for sql in [path.read_text(encoding="utf-8")]
    ]


def answer(home: Home, name: str) -> Answer:
    """Answer one question from the release.

    Raises FlowgrainError where nothing is published, no question has the name, or the release is of
    an older version and lacks what is asked for.
    """
    asked = next((question for question in questions() if question.name == name), None)
    if asked is None:
        raise FlowgrainError(
            f"There is no question {name!r}", "See `flowgrain ask` for all of them"
        )
    if not home.published.exists():
        raise FlowgrainError("Nothing is published yet", "Run `flowgrain publish`")
    connection = open_published(home.published)
    try:
        connection.execute(f"use {PUBLISHED_SCHEMA}")
        cursor = connection.execute(asked.sql)
        columns = [column[0] for column in cursor.description or []]
        rows = [[_in_words(cell) for cell in row] for row in cursor.fetchall()]
    except duckdb.Error:
        raise FlowgrainError(
            f"{home.published} lacks what {name} asks for", "Run `flowgrain publish` again"
        ) from None
    finally:
        connection.close()
    return Answer(columns, rows)


def page(home: Home) -> str:
    """Every question with its SQL's place and its answer, in Markdown."""
    parts = [INTRODUCTION]
    for question in questions():
        given = answer(home, question.name)
        table = [given.columns, ["---"] * len(given.columns), *given.rows]
        lines = "\n".join("| " + " | ".join(row) + " |" for row in table)
        parts.append(f"## {question.text}\n\n`analyses/{question.name}.sql`\n\n{lines}\n")
    return "\n".join(parts)


def _in_words(cell: object) -> str:
    if cell is None:
        return "none"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, Decimal):
        return f"{cell.normalize():f}"
    return str(cell)


if __name__ == "__main__":
    PAGE.write_text(page(Home.from_environment()), encoding="utf-8")
