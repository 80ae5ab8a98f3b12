"""Great Expectations' pages of the published tables: for everyone, of the released file alone."""

import re
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import yaml

from orchestration.floor_guard.constants import PUBLISHED_SCHEMA
from orchestration.floor_guard.exits import open_verified, written_whole
from orchestration.floor_guard.release import PublishedTable, Release
from orchestration.home import PROJECT, Home
from orchestration.validation.counting import Rule, counted, has_columns, has_key_once
from orchestration.validation.suites import Checkpoints, in_memory

# What dbt calls the types of the marts, and DuckDB.
TYPES = {"string": "varchar", "numeric(18, 4)": "decimal(18,4)"}
FIGURES = ("value", "lower_bound", "upper_bound", "numerator", "denominator", "sample_size")
INDEX = "index.html"
# All that the pages would fetch from elsewhere, and what works with it only.
FOREIGN = re.compile(
    r"<script\b.*?</script>|<style\b.*?</style>|<(?:link|img)\b[^>]*>|<button\b.*?</button>"
    r"|<nav\b.*?</nav>|<footer\b.*?</footer>",
    re.DOTALL,
)
LINK = re.compile(r"""\s(?:href|src|on\w+)=(?:"[^"]*"|'[^']*')""")
HEAD = """<head>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body { font-family: sans-serif; margin: 2rem auto; max-width: 60rem; }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid #ccc; padding: 0.3rem 0.6rem; text-align: left; }
.col-lg-2, .collapse, [data-toggle="collapse"] { display: none; }
.text-success::before { color: green; content: "\\2714"; }
.text-danger::before { color: red; content: "\\2718"; }
</style>
"""


def write_expectations(home: Home, folder: Path) -> Path:
    """Hold the released tables against their contracts and write pages of it; return the first.

    Nothing is read but the verified file and the marts' yml; the pages load nothing. Raises
    FlowgrainError where the release is not what the gate wrote, where the folder is among what is
    guarded (A10) or cannot be written, and where an expectation could not be evaluated.
    """
    home.prepare()
    with (
        open_verified(home) as (release, connection),
        written_whole(home, folder) as aside,
        tempfile.TemporaryDirectory(dir=home.ops / "tmp", prefix="expectations-") as site,
    ):
        context = in_memory(data_docs_sites={"published": _site(site)})
        checkpoints = Checkpoints(context)
        told = {}
        for table in release.tables:
            of_table = list(rules(table))
            told[table] = checkpoints.hold(table.name, of_table, counted(connection, of_table))
        context.build_data_docs()
        for table in release.tables:
            [page] = Path(site).glob(f"validations/{table.name}/**/*.html")
            text = _for_everyone(page.read_text(encoding="utf-8"), table.name)
            (aside / f"{table.name}.html").write_text(text, encoding="utf-8")
        (aside / INDEX).write_text(_index(release, told), encoding="utf-8")
    return folder / INDEX


def _site(folder: str) -> dict[str, Any]:
    backend = {"class_name": "TupleFilesystemStoreBackend", "base_directory": folder}
    return {"class_name": "SiteBuilder", "store_backend": backend, "show_how_to_buttons": False}


def rules(table: PublishedTable) -> Iterator[Rule]:
    """What is expected of a published table: its mart's contract, and what the gate released."""
    mart = _mart(table.name)
    columns = {column["name"]: column for column in mart["columns"]}
    name = f'{PUBLISHED_SCHEMA}."{table.name}"'
    kinds = {c: TYPES.get(said["data_type"], said["data_type"]) for c, said in columns.items()}
    yield has_columns(PUBLISHED_SCHEMA, table.name, kinds)
    yield Rule(
        "has_the_rows_that_were_released",
        (),
        f"select abs(count(*) - {table.rows}), greatest(count(*), {table.rows}) from {name}",
    )
    grain = tuple(mart["config"]["meta"]["grain"])
    yield has_key_once(name, grain)
    for column in grain:
        yield _broken(name, "is_given", f'"{column}" is null', column)
    for column, said in columns.items():
        for test in said.get("data_tests", []):
            if "accepted_values" in test:
                words = test["accepted_values"]["arguments"]["values"]
                listed = ", ".join(f"'{word}'" for word in words)
                yield _broken(name, "is_of_the_list", f'"{column}" not in ({listed})', column)
    if "status" in columns:
        for column in (figure for figure in FIGURES if figure in columns):
            withheld = f"status is distinct from 'ok' and \"{column}\" is not null"
            yield _broken(name, "is_empty_unless_ok", withheld, column)


def _broken(table: str, name: str, broken: str, column: str) -> Rule:
    sql = f"select count(*) filter (where {broken}), count(*) from {table}"
    return Rule(name, (column,), sql)


def _mart(name: str) -> dict[str, Any]:
    [path] = (PROJECT / "models" / "marts").glob(f"*/{name}.yml")
    [mart] = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    return dict(mart)


def _for_everyone(page: str, name: str) -> str:
    """Take out of a page what it would fetch or lead to; of what is left a browser fetches none."""
    page = LINK.sub("", FOREIGN.sub("", page))
    top = f'<body><p><a href="{INDEX}">All tables</a></p><h1>{escape(name)}</h1>'
    return page.replace("<head>", HEAD, 1).replace("<body>", top, 1)


def _index(release: Release, told: dict[PublishedTable, list[bool]]) -> str:
    rows = "".join(
        f'<tr><td><a href="{escape(table.name)}.html">{escape(table.name)}</a></td>'
        f"<td>{table.rows:,}</td><td>{len(results)}</td><td>{results.count(False)}</td></tr>\n"
        for table, results in told.items()
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n{HEAD}<meta charset="utf-8">'
        "<title>What the published tables were held against</title></head>\n"
        f"<body><h1>Release {escape(release.release)}</h1>\n"
        "<table><tr><th>Table</th><th>Rows</th><th>Expectations</th><th>Not met</th></tr>\n"
        f"{rows}</table></body></html>\n"
    )
