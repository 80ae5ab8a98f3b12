"""The contributor surveys of Kubernetes, end to end: which blocker is the most frequent one.

The survey asks how often something blocks, from 1 (not a problem) to 5 (frequently): an item of
the scale `problem`, which counts as 6 less the answer. Respondents have no team, so all of them are
one; each is declared as one person, for their number is all that is known of them.
"""

import csv
import os
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from outside import organisation

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "surveys" / "k8s_contributor_likert_long.csv"

pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason="the surveys of Kubernetes are not part of the repository"
)

# Start of what was asked, and the item of seeds/mapping/survey_items.csv that asks the same. Items
# of the scale of agreement are of 2019 only and ask for no driver of their own: they are left out.
ITEMS = {
    "Debugging test failures": "debugging_test_failures",
    "Finding issues to work on": "finding_work",
    "Finding appropriate issues to work on": "finding_work",
    "Code/Doc": "code_review_as_a_problem",
    "Having PRs rejected": "changes_rejected",
    "Communication": "communication",
    "Finding the right SIG": "finding_the_right_group",
    "Finding a/the right SIG": "finding_the_right_group",
    "Setting up dev": "setting_up_environment",
    "GH tools": "platform_tools",
    "GitHub tools": "platform_tools",
    "Our CI": "own_automation",
    "Writing documentation": "writing_documentation",
}
# As published by the surveys' authors: mean of "frequent blocker", by year and driver.
BLOCKERS = {
    ("k8s-contributor-2018", "build_and_test"): (2.84, 116),
    ("k8s-contributor-2018", "requirements_clarity"): (2.63, 116),
    ("k8s-contributor-2019", "build_and_test"): (3.26, 202),
    ("k8s-contributor-2019", "requirements_clarity"): (2.99, 204),
}
Row = dict[str, str]


def item_of(asked: str) -> str:
    """Item of the product that asks for what was asked; what it does not know stays as it is."""
    return next((item for start, item in ITEMS.items() if asked.startswith(start)), "not_mapped")


def convert(folder: Path) -> None:
    """Write the surveys in the shape of the contract, and an organisation of one team."""
    with DATA.open(newline="", encoding="utf-8") as file:
        rows: list[Row] = list(csv.DictReader(file))
    moments: dict[str, list[datetime]] = defaultdict(list)
    for row in rows:
        told = datetime.strptime(row["submitted_at"], "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC)
        moments[row["survey"]].append(told)
    (folder / "events").mkdir()
    (folder / "organisation").mkdir()
    waves = [(wave, min(times), max(times)) for wave, times in moments.items()]
    people = sorted({row["respondent_id"] for row in rows})
    files: dict[str, list[tuple[object, ...]]] = {
        "extract": [("loaded_to",), (_text(max(end for *_, end in waves) + timedelta(days=150)),)],
        "identities": [("alias", "person"), *((who, who) for who in people)],
        "survey_waves": [
            ("wave_id", "opened_at", "closed_at"),
            *((wave, _text(start), _text(end)) for wave, start, end in waves),
        ],
        "survey_responses": [
            ("wave_id", "respondent", "team", "item", "score"),
            *(
                (row["survey"], row["respondent_id"], "t_01", item_of(row["driver"]), row["score"])
                for row in rows
                if row["question_group"] == "blocker"
            ),
        ],
    }
    for name, lines in files.items():
        with (folder / "events" / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(lines)
    for name, seed in organisation(["outside/kubernetes"]).items():
        (folder / "organisation" / f"{name}.csv").write_text("\n".join(seed) + "\n")


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The surveys landed, built and published."""
    folder = tmp_path_factory.mktemp("kubernetes")
    convert(folder)
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
