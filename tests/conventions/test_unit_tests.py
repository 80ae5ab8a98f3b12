"""dbt's unit tests are part of `make test`; a build leaves them out."""

import json
from pathlib import Path

from conftest import Lab

from orchestration.build import run_dbt


def test_every_unit_test_of_dbt_passes(lab: Lab, tmp_path: Path) -> None:
    arguments = ("test", "--select", "test_type:unit", "--target-path", str(tmp_path))
    done = run_dbt(lab.home, *arguments)
    assert done.returncode == 0, done.stdout[-6000:]
    results = json.loads((tmp_path / "run_results.json").read_text())["results"]
    declared = set(lab.manifest["unit_tests"])
    assert {result["unique_id"] for result in results if result["status"] == "pass"} == declared
