"""Rule A01: dbt's page of documentation for the public, made of the published file alone."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import yaml

from orchestration.errors import FlowgrainError
from orchestration.floor_guard.constants import PUBLISHED_SCHEMA
from orchestration.floor_guard.exits import open_verified, written_whole
from orchestration.floor_guard.release import Release
from orchestration.floor_guard.vocabulary import PUBLISHED
from orchestration.home import Home

Json = dict[str, Any]

PAGE = "index.html"
PROJECT_FILE: Json = {
    "name": "flowgrain_published",
    "profile": "flowgrain_published",
    "flags": {"send_anonymous_usage_stats": False},
}
PROFILES: Json = {
    "flowgrain_published": {
        "target": "published",
        "outputs": {
            "published": {
                "type": "duckdb",
                "path": ":memory:",
                "attach": [
                    {
                        "path": "{{ env_var('FLOWGRAIN_PUBLISHED') }}",
                        "alias": PUBLISHED,
                        "read_only": True,
                    }
                ],
            }
        },
    }
}
OVERVIEW = """{{% docs __overview__ %}}
### What flowgrain publishes

Release {release}. The tables stand under *Sources*, with what each row and column is.
{{% enddocs %}}
"""
# What dbt may know of this machine: it writes some of its environment into the page.
INHERITED = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH")


def write_docs(home: Home, folder: Path) -> Path:
    """Write dbt's static page of the release's tables into a folder; return the page.

    dbt sees the published file and nothing of the project. Raises FlowgrainError where the release
    is not what the gate wrote, where the folder is among what is guarded (A10) or cannot be
    written, and with dbt's own words where it fails.
    """
    with open_verified(home) as (release, connection):
        sources = _sources(connection)
    home.prepare()
    with (
        written_whole(home, folder) as aside,
        tempfile.TemporaryDirectory(dir=home.ops / "tmp", prefix="docs-") as project,
    ):
        _write_project(Path(project), release, sources)
        _run_dbt(home, Path(project))
        shutil.copyfile(Path(project) / "target" / "static_index.html", aside / PAGE)
    return folder / PAGE


def _sources(connection: duckdb.DuckDBPyConnection) -> Json:
    """Describe the published tables as dbt's sources, from what the file says of itself."""
    columns: dict[str, list[Json]] = {}
    for table, column, kind, comment in connection.execute(
        """
        select table_name, column_name, data_type, comment from duckdb_columns()
        where schema_name = ? order by table_name, column_index
        """,
        [PUBLISHED_SCHEMA],
    ).fetchall():
        told = {"name": column, "data_type": kind, "description": _said(comment)}
        columns.setdefault(table, []).append(told)
    tables = [
        {"name": table, "description": _said(comment), "columns": columns[table]}
        for table, comment in connection.execute(
            "select table_name, comment from duckdb_tables() where schema_name = ? order by all",
            [PUBLISHED_SCHEMA],
        ).fetchall()
    ]
    source = {"name": PUBLISHED_SCHEMA, "database": PUBLISHED, "schema": PUBLISHED_SCHEMA}
    return {"sources": [{**source, "tables": tables}]}


def _said(comment: str | None) -> str:
    """Write a comment so that dbt shows it and runs nothing that stands in it."""
    return "{{ " + json.dumps(comment or "", ensure_ascii=False) + " }}"


def _write_project(project: Path, release: Release, sources: Json) -> None:
    (project / "models").mkdir()
    for name, content in {
        "dbt_project.yml": PROJECT_FILE,
        "profiles.yml": PROFILES,
        "models/sources.yml": sources,
    }.items():
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        (project / name).write_text(text, encoding="utf-8")
    overview = OVERVIEW.format(release=release.release)
    (project / "models" / "overview.md").write_text(overview, encoding="utf-8")


def _run_dbt(home: Home, project: Path) -> None:
    """Let dbt make the page in its folder, which it takes for its home as well."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), "--quiet", "docs", "generate", "--static"],
        cwd=project,
        env={
            **inherited,
            "HOME": str(project),
            "FLOWGRAIN_PUBLISHED": str(home.published),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_USE_COLORS": "false",
            "DO_NOT_TRACK": "1",
        },
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        raise FlowgrainError(
            f"dbt could not describe the published file:\n{done.stdout.strip()}",
            "Run `make install`, then the command again",
        )
