"""Two builds of one landing give the same release, whatever the machine around them."""

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
from conftest import CanaryLab

from orchestration.home import Home


def tables(lab: CanaryLab) -> list[dict[str, Any]]:
    """Tables of the release with their hashes."""
    told: list[dict[str, Any]] = json.loads(lab.home.release_report.read_text())["tables"]
    return told


def forget_the_build(lab: CanaryLab) -> None:
    """Leave what landed, and nothing that was made of it."""
    shutil.rmtree(lab.home.published.parent)
    with duckdb.connect(str(lab.home.vault)) as vault:
        built = vault.execute(
            "select schema_name from duckdb_schemas() "
            "where database_name = current_database() and schema_name like 'flowgrain_%'"
        ).fetchall()
        assert built
        for (schema,) in built:
            vault.execute(f'drop schema "{schema}" cascade')


def test_threads_time_zone_and_hash_seed_change_nothing(
    canary_lab: CanaryLab, tmp_path: Path
) -> None:
    shutil.copytree(canary_lab.home.root, tmp_path / "home")
    other = CanaryLab(Home(tmp_path / "home"), canary_lab.organisation)
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
