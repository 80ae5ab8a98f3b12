"""Two builds of one landing give the same release, whatever the machine, or a restored backup."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pages
from conftest import CanaryLab

from orchestration.home import Home


def tables(lab: CanaryLab) -> list[dict[str, Any]]:
    """Tables of the release with their hashes."""
    told: list[dict[str, Any]] = json.loads(lab.home.release_report.read_text())["tables"]
    return told


def forget_the_build(lab: CanaryLab) -> None:
    """Leave what landed, and nothing that was made of it."""
    assert not lab.home.published.exists()
    assert not lab.home.target.exists()
    with duckdb.connect(str(lab.home.vault)) as vault:
        built = vault.execute(
            "select schema_name from duckdb_schemas() "
            "where database_name = current_database() and schema_name like 'flowgrain_%'"
        ).fetchall()
        assert built
        for (schema,) in built:
            vault.execute(f'drop schema "{schema}" cascade')


def test_a_restored_backup_with_other_threads_time_zone_and_hash_seed_makes_the_same_release(
    canary_lab: CanaryLab, tmp_path: Path
) -> None:
    """R29 by the page's own commands, and R1: one build shows both."""
    back_up, restore = pages.commands("operations.md", "Back up and restore")
    places = {name: str(tmp_path / name) for name in ("BACKUP", "BEHIND_THE_DOOR")}
    for place in places.values():
        Path(place).mkdir()
    pages.run(back_up, {**places, **where(canary_lab)})
    key = {"FLOWGRAIN_KEY_FILE": canary_lab.secrets["FLOWGRAIN_KEY_FILE"]}
    other = CanaryLab(Home(tmp_path / "home"), tmp_path / "organisation", secrets=key)
    pages.run(restore, {**places, **where(other)})
    forget_the_build(other)
    for command in ("build", "publish"):
        other.run(
            command,
            environment={
                "TZ": "America/Los_Angeles", "PYTHONHASHSEED": "1", "FLOWGRAIN_THREADS": "1",
            },
        )  # fmt: skip
    assert tables(other) == tables(canary_lab)
    assert sum(table["rows"] for table in tables(other)) > 1000
    # What lands after is keyed as before: the backup goes on where it was made.
    landed = other.run("land", "files", str(canary_lab.organisation.parent / "files"))
    assert "Unchanged since the last load" in landed
    assert "superseded" not in landed, "no entity was read again"


def where(lab: CanaryLab) -> dict[str, str]:
    """Folders of an installation, as a shell knows them."""
    return {
        "FLOWGRAIN_HOME": str(lab.home.root),
        "FLOWGRAIN_ORGANISATION": str(lab.organisation),
    }
