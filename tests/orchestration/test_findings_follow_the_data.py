"""The planted bottleneck is moved, and another one is taken away: the sentences follow."""

from copy import deepcopy
from pathlib import Path

import duckdb
import pytest

from orchestration.build import run_dbt
from orchestration.home import Home
from orchestration.landing import demo
from orchestration.landing.files import land_files

# Review of Payments changes places with Integration; Platform waits everywhere alike.
MOVED = {"vs_1": [0.07, 0.20, 0.34, 0.04], "vs_2": [0.16, 0.17, 0.16, 0.16]}


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo with other waits, landed and built; the vault that came of it."""
    folder = tmp_path_factory.mktemp("moved").resolve()
    changed = deepcopy(demo.parameters())
    for key, shares in MOVED.items():
        changed["value_streams"][key]["wait_shares"] = shares
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "parameters", lambda: changed)
        demo.write_demo(folder / "files")
    home = Home(folder / "home")
    land_files(home, folder / "files", is_demo=True)
    no_tests = [f"--exclude-resource-type={kind}" for kind in ("test", "unit_test")]
    done = run_dbt(home, "build", *no_tests)
    assert done.returncode == 0, done.stdout
    return home.vault


def test_the_sentence_moves_with_the_bottleneck_and_none_is_claimed_without(vault: Path) -> None:
    with duckdb.connect(str(vault), read_only=True) as connection:
        bound = connection.execute(
            """
            select grain_key, stage from flowgrain_candidate.findings
            where finding = 'binding_stage' order by grain_key
            """
        ).fetchall()
        sentences = connection.execute(
            """
            select sentence from flowgrain_candidate.findings
            where finding = 'streams_bound'
            """
        ).fetchall()
    assert bound == [("vs_1", "integration"), ("vs_3", "integration")]
    assert sentences == [
        ("Integration is where work waits most in 2 of the 4 value streams that can be read.",)
    ]
