"""A small organisation for events from outside: landed through the contract and built."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

Events = Mapping[str, Sequence[str]]
FIXED = {
    "value_streams": ("value_stream_key,value_stream_label", "vs_1,Outside"),
    "teams": ("team_key,team_label,calendar_key", "t_01,Outside,default"),
    "team_value_streams": ("team_key,value_stream_key,valid_from,valid_to", "t_01,vs_1,,"),
    "calendars": ("calendar_key,time_zone,weekday,opens,closes", "default,UTC,1,09:00,17:00"),
    "holidays": ("calendar_key,holiday_date", "default,2025-12-25"),
    "targets": ("metric_key,statistic,clock,grain,grain_key,target,valid_from",),
}


def organisation(repositories: Sequence[str]) -> dict[str, list[str]]:
    """A system of one team for each repository: `s_<number>`."""
    numbered = [(f"s_{number}", name) for number, name in enumerate(repositories)]
    return {
        **{name: list(lines) for name, lines in FIXED.items()},
        "systems": [
            "system_key,system_label,criticality,is_revenue_critical",
            *(f"{key},System {key[2:]},low,false" for key, _ in numbered),
        ],
        "system_paths": [
            "repository,path_prefix,system_key,valid_from,valid_to",
            *(f"{name},,{key},," for key, name in numbered),
        ],
        "system_owners": [
            "system_key,team_key,valid_from,valid_to",
            *(f"{key},t_01,," for key, _ in numbered),
        ],
    }


def land(folder: Path, events: Events, repositories: Sequence[str]) -> dict[str, str]:
    """Land CSV lines by entity; return what the environment of a build must say."""
    for part, files in (("events", events), ("organisation", organisation(repositories))):
        (folder / part).mkdir()
        for name, lines in files.items():
            (folder / part / f"{name}.csv").write_text("\n".join(lines) + "\n")
    environment = {
        "FLOWGRAIN_HOME": str(folder / "home"),
        "FLOWGRAIN_ORGANISATION": str(folder / "organisation"),
    }
    _run(environment, "land", "files", str(folder / "events"))
    return environment


def build(folder: Path, events: Events, repositories: Sequence[str]) -> duckdb.DuckDBPyConnection:
    """Land CSV lines by entity and build; open the vault on what came of it."""
    _run(land(folder, events, repositories), "build")
    vault = duckdb.connect(str(folder / "home/vault/vault.duckdb"), read_only=True)
    vault.execute("set TimeZone = 'UTC'")
    vault.execute("use flowgrain_vault")
    return vault


def _run(environment: Mapping[str, str], *command: str) -> None:
    flowgrain = str(Path(sys.executable).with_name("flowgrain"))
    done = subprocess.run(
        [flowgrain, *command],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
