"""The contributor surveys of Kubernetes, end to end: which blocker is the most frequent one."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "surveys" / "k8s_contributor_likert_long.csv"

pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason="the surveys of Kubernetes are not part of the repository"
)

# As published by the surveys' authors: mean of "frequent blocker", by year and driver.
BLOCKERS = {
    ("k8s-contributor-2018", "build_and_test"): (2.84, 116),
    ("k8s-contributor-2018", "requirements_clarity"): (2.63, 116),
    ("k8s-contributor-2019", "build_and_test"): (3.26, 202),
    ("k8s-contributor-2019", "requirements_clarity"): (2.99, 204),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The surveys landed, built and published."""
    folder = tmp_path_factory.mktemp("kubernetes")
    script = ROOT / "examples" / "k8s_surveys" / "convert.py"
    subprocess.run([sys.executable, str(script), str(DATA.parent), str(folder)], check=True)
    environment = {
        **os.environ,
        "FLOWGRAIN_HOME": str(folder / "home"),
        "FLOWGRAIN_ORGANISATION": str(folder / "organisation"),
    }
    flowgrain = str(Path(sys.executable).with_name("flowgrain"))
    for command in (["land", "files", str(folder / "events")], ["build"], ["publish"]):
        done = subprocess.run(
            [flowgrain, *command], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "home"


def test_the_means_are_those_of_the_surveys(home: Path) -> None:
    """In the vault to the second decimal, with everybody who answered."""
    with duckdb.connect(str(home / "vault" / "vault.duckdb"), read_only=True) as vault:
        rows = vault.execute(
            """
            select waves.wave_id, observed.driver, 6 - observed.value, observed.people_count
            from flowgrain_floor.observed_surveys as observed
            inner join flowgrain_vault.int_survey_waves as waves using (quarter_start)
            where observed.metric_key = 'driver_score' and observed.grain = 'portfolio'
            """
        ).fetchall()
    found = {(wave, driver): (round(float(mean), 2), count) for wave, driver, mean, count in rows}
    assert {key: found[key] for key in BLOCKERS} == BLOCKERS


def test_debugging_test_failures_is_the_most_frequent_blocker_of_both_years(home: Path) -> None:
    """Then comes finding work; as published, so to a tenth and with its range."""
    with duckdb.connect(str(home / "published" / "marts.duckdb"), read_only=True) as marts:
        marts.execute("use marts.marts")
        rows = marts.execute(
            """
            select bucket_start, driver, score, score_lower, score_upper, sample_size, status
            from devex_drivers where grain = 'portfolio' and status = 'ok'
            order by bucket_start, score
            """
        ).fetchall()
    waves = sorted({start for start, *_ in rows})
    assert len(waves) == 2
    for wave, year in zip(waves, ("2018", "2019"), strict=True):
        told = [row[1:] for row in rows if row[0] == wave]
        drivers = [driver for driver, *_ in told]
        assert drivers[:2] == ["build_and_test", "requirements_clarity"]
        for driver, score, lower, upper, size, _ in told[:2]:
            mean, _ = BLOCKERS[f"k8s-contributor-{year}", driver]
            assert abs(6 - float(score) - mean) <= 0.05
            assert float(lower) <= 6 - mean <= float(upper)
            assert float(upper) - float(lower) < 0.7
            assert size == 20


def test_what_needs_no_changes_is_told_without_them(home: Path) -> None:
    """Nobody was counted as invited, so there is no rate; flow has no source at all."""
    with duckdb.connect(str(home / "published" / "marts.duckdb"), read_only=True) as marts:
        marts.execute("use marts.marts")
        statuses = dict(
            marts.execute(
                """
                select metric_key, max(status) from metric_observations
                where metric_key in ('survey_response_rate', 'flow_velocity', 'driver_score')
                    and grain = 'portfolio' and slice_value in ('all', 'build_and_test')
                group by metric_key having count(distinct status) = 1
                """
            ).fetchall()
        )
    assert statuses["survey_response_rate"] == "withheld"
    assert statuses["flow_velocity"] == "no_data"
    assert statuses["driver_score"] == "ok"
