"""Dagster lands every hour, builds when rows have landed, and releases once a week."""

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import dagster as dg
import pytest

import orchestration
from orchestration.build import run_dbt
from orchestration.home import Home
from orchestration.landing.door import open_vault
from orchestration.landing.freshness import windows

MODULES = ("assets", "schedules", "alerts", "definitions")
Load = Callable[..., ModuleType]


@pytest.fixture(scope="module")
def dagster_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose manifest is parsed once for this module."""
    return tmp_path_factory.mktemp("schedules") / "home"


@pytest.fixture
def load(dagster_home: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load the code location as the environment has it."""

    def definitions(**environment: str) -> ModuleType:
        for name in ("FILES", "GITHUB", "DEVLAKE", "CLONES", "ORGANISATION", "ALERT_WEBHOOK"):
            monkeypatch.delenv(f"FLOWGRAIN_{name}", raising=False)
        monkeypatch.setenv("FLOWGRAIN_HOME", str(dagster_home))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        for name in MODULES:
            monkeypatch.delitem(sys.modules, f"orchestration.{name}", raising=False)
            monkeypatch.delattr(orchestration, name, raising=False)
        return importlib.import_module("orchestration.definitions")

    return definitions


def land(home: Home, landed_at: datetime, *, changed: int, source: str = "files") -> None:
    """Write into the door's books what a landing would, at a time of the test's own."""
    vault = open_vault(home.prepare())
    naive = landed_at.astimezone(UTC).replace(tzinfo=None)
    load_id = vault.execute("select nextval('door.load_ids')").fetchone()
    assert load_id
    vault.execute(
        "insert into door.loads values (?, ?, 'c', 'o', 'd', 1, 'k', ?, ?, 'complete')",
        [load_id[0], source, naive, naive],
    )
    vault.execute(
        "insert into door.load_counts values (?, ?, 'changes', 9, ?, 0, 0, 0, 0, 0)",
        [load_id[0], source, changed],
    )
    vault.execute("delete from door.connections where source = ?", [source])
    vault.execute(
        "insert into door.connections values (?, 'c', null, ?, ?)", [source, naive, naive]
    )
    vault.close()


def built(home: Home) -> None:
    """Leave what a build leaves."""
    home.prepare().target.mkdir(exist_ok=True)
    (home.target / "run_results.json").write_text("{}")


def test_only_what_is_connected_lands_every_hour(load: Load) -> None:
    """A schedule without a source would be green for nothing."""
    assert [s.name for s in load().defs.schedules] == ["weekly_release"]
    defs = load(FLOWGRAIN_FILES="/somewhere", FLOWGRAIN_DEVLAKE="mysql://nowhere.invalid/").defs
    names = [schedule.name for schedule in defs.schedules]
    assert names == ["hourly_landing_of_files", "hourly_landing_of_devlake", "weekly_release"]
    crons = [schedule.cron_schedule for schedule in defs.schedules[:-1]]
    assert crons == ["7 * * * *", "27 * * * *"]


def test_schedules_ask_for_runs_of_their_job(load: Load) -> None:
    """A tick of each, in process."""
    module = load(FLOWGRAIN_FILES="/somewhere")
    for schedule in module.defs.schedules:
        context = dg.build_schedule_context(
            scheduled_execution_time=datetime(2026, 4, 9, 6, 7, tzinfo=UTC)
        )
        [request] = schedule.evaluate_tick(context).run_requests
        assert request.job_name in (None, schedule.job_name)
        assert module.defs.resolve_job_def(schedule.job_name).asset_layer.selected_asset_keys


def test_the_release_comes_when_a_week_has_closed(load: Load) -> None:
    """Weeks end on Sunday and close three days later."""
    weekly = load().defs.schedules[-1]
    assert (weekly.cron_schedule, weekly.execution_timezone) == ("0 6 * * 4", "UTC")
    job = load().defs.resolve_job_def("build_and_release")
    keys = {key.path[-1] for key in job.asset_layer.selected_asset_keys}
    assert {"release", "wait_intensity", "floor_observations"} <= keys
    assert not any(key.path[0] == "files" for key in job.asset_layer.selected_asset_keys)


def test_a_landing_lands_its_source_alone(load: Load) -> None:
    job = load().defs.resolve_job_def("landing_of_git")
    sources = {key.path[0] for key in job.asset_layer.selected_asset_keys}
    assert sources == {"git", "door"}


def test_whatever_opens_the_vault_waits_for_its_turn(load: Load) -> None:
    """Every step is of the one pool, so that no two runs meet."""
    for asset in load().defs.assets:
        assert asset.op.pool == "vault", asset.op.name
    assert sys.modules["orchestration.assets"].sources_are_fresh.op.pool == "vault"


def test_new_rows_start_one_build(load: Load, tmp_path: Path) -> None:
    load()
    schedules = sys.modules["orchestration.schedules"]
    home = Home(tmp_path)
    assert schedules.newest_unbuilt_load(home) is None
    now = datetime.now(UTC)
    land(home, now - timedelta(hours=2), changed=3)
    assert schedules.newest_unbuilt_load(home).startswith("load 1 of ")
    built(home)
    assert schedules.newest_unbuilt_load(home) is None
    land(home, now + timedelta(hours=1), changed=0)
    assert schedules.newest_unbuilt_load(home) is None, "nothing changed"
    land(home, now + timedelta(hours=1), changed=1)
    assert schedules.newest_unbuilt_load(home).startswith("load 3 of ")


def look(root: Path, cursor: str | None = None) -> dg.SensorEvaluationContext:
    """What a sensor is given when it looks at an installation."""
    installation = sys.modules["orchestration.assets"].Installation(
        root=str(root), target="dev", clones=[]
    )
    return dg.build_sensor_context(cursor=cursor, resources={"installation": installation})


def test_the_sensor_asks_once_per_load(load: Load, tmp_path: Path) -> None:
    module = load()
    sensor = module.defs.get_sensor_def("landed_rows")
    land(Home(tmp_path), datetime.now(UTC), changed=1)
    asked = set()
    for _ in range(2):
        [request] = sensor.evaluate_tick(look(tmp_path)).run_requests
        asked.add(request.run_key)
    assert len(asked) == 1
    built(Home(tmp_path))
    done = sensor.evaluate_tick(look(tmp_path))
    assert (done.run_requests, done.skip_message) == ([], "Nothing has landed since the last build")


def test_the_sensor_does_not_disturb_who_writes(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader would make dbt fail on the vault's lock."""
    module = load()
    monkeypatch.setattr(sys.modules["orchestration.assets"], "LOOK_SECONDS", 0.1)
    home = Home(tmp_path)
    land(home, datetime.now(UTC), changed=1)
    with home.writing():
        done = module.defs.get_sensor_def("landed_rows").evaluate_tick(look(tmp_path))
    assert done.skip_message == "The vault is being written"


def checks(module: ModuleType, root: Path) -> list[dg.AssetCheckEvaluation]:
    """What the check says of each mart and of the release."""
    assets = sys.modules["orchestration.assets"]
    installation = assets.Installation(root=str(root), target="dev", clones=[])
    job = dg.Definitions(
        asset_checks=[assets.sources_are_fresh], resources={"installation": installation}
    ).resolve_implicit_global_asset_job_def()
    return job.execute_in_process().get_asset_check_evaluations()


def test_a_stale_source_marks_what_hangs_on_it(load: Load, tmp_path: Path) -> None:
    """Every mart, for weeks close for all sources at once; a warning, which blocks nothing."""
    module = load()
    home = Home(tmp_path)
    window = windows()["git"].error_after
    land(home, datetime.now(UTC), changed=1, source="files")
    land(home, datetime.now(UTC) - window + timedelta(minutes=5), changed=1, source="git")
    found = checks(module, tmp_path)
    assert {check.asset_key.path[-1] for check in found} >= {"release", "wait_intensity"}
    assert all(check.passed for check in found)
    land(home, datetime.now(UTC) - window - timedelta(minutes=5), changed=1, source="git")
    found = checks(module, tmp_path)
    assert not any(check.passed for check in found)
    assert {check.severity for check in found} == {dg.AssetCheckSeverity.WARN}
    assert {check.metadata["stale sources"].value for check in found} == {1}


def test_sources_have_the_window_of_the_seed(load: Load) -> None:
    """A source that is not connected is waited for by nobody."""
    graph = load(FLOWGRAIN_CLONES="/somewhere").defs.resolve_asset_graph()
    policy = graph.get(dg.AssetKey(["git", "commits"])).freshness_policy
    assert (policy.warn_window.to_timedelta(), policy.fail_window.to_timedelta()) == windows()[
        "git"
    ]
    assert graph.get(dg.AssetKey(["files", "changes"])).freshness_policy is None


@pytest.mark.parametrize("age", ["within", "between", "over"])
def test_dbt_and_dagster_agree_on_what_is_fresh(load: Load, tmp_path: Path, age: str) -> None:
    """The query and the windows that dbt has are those of the seed, run as dbt runs them."""
    manifest_window = windows()["git"]
    ages = {
        "within": manifest_window.warn_after - timedelta(hours=1),
        "between": manifest_window.error_after - timedelta(hours=1),
        "over": manifest_window.error_after + timedelta(hours=1),
    }
    home = Home(tmp_path)
    land(home, datetime.now(UTC) - ages[age], changed=1, source="git")
    done = run_dbt(home, "source", "freshness", "--select", "source:git.commits", quiet=False)
    said = {"within": "PASS freshness", "between": "WARN freshness", "over": "ERROR STALE"}
    assert said[age] in done.stdout, done.stdout
    load()
    find_stale_sources = sys.modules["orchestration.assets"].find_stale_sources
    assert find_stale_sources(home, wait_seconds=1) == (["git"] if age == "over" else [])


def test_the_code_location_is_valid(dagster_home: Path) -> None:
    """As `dagster definitions validate` sees it."""
    program = Path(sys.executable).with_name("dagster")
    done = subprocess.run(
        [str(program), "definitions", "validate", "-m", "orchestration.definitions"],
        env={**os.environ, "FLOWGRAIN_HOME": str(dagster_home), "DO_NOT_TRACK": "1"},
        cwd=dagster_home.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Validation successful" in done.stderr + done.stdout
