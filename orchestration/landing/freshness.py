"""How long after a landing each source counts as stale: one seed, which everybody reads."""

import csv
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import duckdb

from orchestration.home import PROJECT

SEED = "seeds/mapping/source_freshness.csv"


class Window(NamedTuple):
    """What may pass after a landing before a warning shows, and before the source is stale."""

    warn_after: timedelta
    error_after: timedelta


def windows() -> dict[str, Window]:
    """Read the seed: a window per source."""
    with (PROJECT / SEED).open(encoding="utf-8", newline="") as file:
        return {
            row["source"]: Window(
                timedelta(hours=int(row["warn_after_hours"])),
                timedelta(hours=int(row["error_after_hours"])),
            )
            for row in csv.DictReader(file)
        }


def last_landings(vault: duckdb.DuckDBPyConnection) -> Mapping[str, datetime]:
    """When each source that is connected landed last: of its connections the one left longest."""
    rows = vault.execute(
        "select source, min(landed_at) from door.connections "
        "where loaded_to is not null group by source order by source"
    ).fetchall()
    return dict(rows)


def stale_sources(landings: Mapping[str, datetime], now: datetime) -> list[str]:
    """Sources that landed longer ago than their window; `now` in UTC without a zone."""
    known = windows()
    return [
        source
        for source, landed_at in landings.items()
        if now - landed_at > known[source].error_after
    ]
