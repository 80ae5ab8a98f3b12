"""Dagster sees the whole way of the data, shows counts of it only, and can run it."""

import ast
import importlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import canaries
import dagster as dg
import duckdb
import pytest
import yaml

import orchestration
from orchestration.dagster_home import EARLIER, end_lost_runs, prepare_dagster_home
from orchestration.home import PROJECT, Home

LAYERS = {"door", "seeds", "staging", "intermediate", "floor", "marts", "release"}
# dagster-dbt adds the last five to what dbt ran.
COUNTS_AND_DURATIONS = {
    "rows", "rows_read", "rows_inserted", "rows_updated", "rows_unchanged", "rows_superseded",
    "rows_quarantined", "rows_removed", "unchanged_files", "repositories", "tables",
    "stale sources", "dagster/row_count", "expectations", "errors", "warnings",
    "Execution Duration", "unique_id", "invocation_id", "status", "dagster_dbt/failed_row_count",
}  # fmt: skip
# Before the name of a table, and before that of an expectation.
COUNTED = ("rows of ", "rows against ")
SMALL = 0.1
MODULES = ("assets", "schedules", "alerts", "definitions")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Folders of this module's own."""
    return Home(tmp_path_factory.mktemp("dagster") / "home")


@pytest.fixture(scope="module")
def secrets(home: Home) -> dict[str, str]:
    """Variables that hold secrets."""
    return canaries.secrets(home.root.parent)


@pytest.fixture(scope="module")
def defs(home: Home, secrets: dict[str, str]) -> Iterator[dg.Definitions]:
    """The code location, loaded as Dagster loads it: from nothing but the environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLOWGRAIN_HOME", str(home.root))
        for name in ("FLOWGRAIN_KEY_FILE", "FLOWGRAIN_ALERT_WEBHOOK"):
            patch.setenv(name, secrets[name])
        for name in ("FLOWGRAIN_FILES", "FLOWGRAIN_CLONES", "FLOWGRAIN_ORGANISATION"):
            patch.delenv(name, raising=False)
        for name in MODULES:
            patch.delitem(sys.modules, f"orchestration.{name}", raising=False)
            patch.delattr(orchestration, name, raising=False)
        yield importlib.import_module("orchestration.definitions").defs


@pytest.fixture(scope="module")
def graph(defs: dg.Definitions) -> Any:
    """Every asset with what it depends on."""
    return defs.resolve_asset_graph()


@pytest.fixture(scope="module")
def manifest(home: Home, defs: dg.Definitions) -> dict:
    """What dbt understood of the project when the code location was loaded."""
    return json.loads((prepare_dagster_home(home) / "manifest.json").read_text())


@pytest.fixture(scope="module")
def instance(home: Home) -> Iterator[dg.DagsterInstance]:
    """A Dagster that keeps what it is told, where it does so by itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(prepare_dagster_home(home)))
        with dg.DagsterInstance.get() as found:
            yield found


def run(
    defs: dg.Definitions,
    home: Home,
    *,
    instance: dg.DagsterInstance | None = None,
    **changed: object,
) -> dg.ExecuteInProcessResult:
    """Materialize everything on a small demo, in this process."""
    assets = sys.modules["orchestration.assets"]
    settings = {"root": str(home.root), "target": "dev", "files": "demo", "clones": []}
    installation = assets.Installation(**{**settings, "demo_scale": SMALL, **changed})
    return defs.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance, resources={"installation": installation}, raise_on_error=False
    )


@pytest.fixture(scope="module")
def whole_run(
    defs: dg.Definitions, home: Home, instance: dg.DagsterInstance
) -> dg.ExecuteInProcessResult:
    """One run of everything."""
    if not (PROJECT / "orchestration/floor_guard/publish.py").exists():
        pytest.skip("the gate is not there, so nothing can be released")
    return run(defs, home, instance=instance)


def test_every_model_and_seed_is_an_asset(graph: Any, manifest: dict) -> None:
    """Nothing is left unscheduled."""
    assets = {key.path[-1] for key in graph.materializable_asset_keys}
    kinds = {"model", "seed"}
    assert {n["name"] for n in manifest["nodes"].values() if n["resource_type"] in kinds} <= assets


def test_every_data_test_is_a_check(graph: Any, manifest: dict) -> None:
    """A test that nobody sees fail warns nobody."""
    tests = [n for n in manifest["nodes"].values() if n["resource_type"] == "test"]
    attached = [test for test in tests if test.get("attached_node")]
    assert len(graph.asset_check_keys) >= len(attached) > 0


def test_the_way_from_a_landed_table_to_the_release_is_whole(graph: Any) -> None:
    """Every landed table, and through every layer."""
    release = dg.AssetKey("release")
    above = graph.get_ancestor_asset_keys(release)
    landed = {key for key in graph.get_all_asset_keys() if graph.get(key).group_name == "door"}
    assert dg.AssetKey(["files", "changes"]) in landed
    assert dg.AssetKey(["git", "changes"]) in landed
    assert landed <= above
    assert {graph.get(key).group_name for key in above} == LAYERS - {"release"}
    marts = {key for key in above if graph.get(key).group_name == "marts"}
    assert graph.get(release).parent_keys == marts


def test_nothing_is_read_that_no_asset_makes(graph: Any) -> None:
    """A source under another key would hang beside the graph."""
    assert set(graph.get_all_asset_keys()) == set(graph.materializable_asset_keys)
    assert {graph.get(key).group_name for key in graph.get_all_asset_keys()} == LAYERS


def test_every_asset_has_an_owner_and_says_its_layer(graph: Any) -> None:
    """A team answers for it, never a person."""
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert [owner.removeprefix("team:") for owner in node.owners] != node.owners, key
        assert node.tags["layer"] == node.group_name, key


def test_columns_are_documented(graph: Any) -> None:
    """Of what lands as of what dbt makes of it."""
    names = {}
    for key in graph.get_all_asset_keys() - {dg.AssetKey("release")}:
        columns = graph.get(key).metadata["dagster/column_schema"].columns
        assert columns, key
        assert all(column.description for column in columns), key
        names["/".join(key.path)] = {column.name for column in columns}
    assert {"stage", "wait_share"} <= names["candidate/wait_intensity"]
    assert {"author_key", "merged_at"} <= names["files/changes"]
    assert "rows_quarantined" in names["door/load_counts"]


def test_no_module_of_dagster_shows_data() -> None:
    """Metadata is kept and shown: no previews, no frames handed from asset to asset (GL-A06)."""
    for name in (*MODULES, "dagster_home", "validation/checks"):
        tree = ast.parse((PROJECT / "orchestration" / f"{name}.py").read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"md", "json", "table", "markdown", "df", "pl", "arrow"}
            if isinstance(node, ast.Name | ast.Attribute):
                word = node.id if isinstance(node, ast.Name) else node.attr
                assert word not in {"MetadataValue", "DataFrame", "IOManager", "io_manager"}
            if isinstance(node, ast.Import | ast.ImportFrom):
                modules = [alias.name for alias in node.names]
                modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert not {"pandas", "polars", "pyarrow"} & {m.split(".")[0] for m in modules}


# The one module that makes pages: of the released file, which everybody may read.
PAGES = "published.py"


def values_kept(source: str, *, of_release: bool = False) -> list[str]:
    """Say where a module lets Great Expectations keep values beside its results (GL-A04).

    Its default keeps samples, as does every format but BOOLEAN_ONLY; its pages show them. Pages
    of the release are everybody's, where the module comes by nothing else.
    """
    tree = ast.parse(source)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {alias.name for node in names for alias in node.names}
    modules |= {node.module or "" for node in names if isinstance(node, ast.ImportFrom)}
    through = {"great_expectations", "orchestration.validation.suites"}
    if not {module.split(".")[0] for module in modules} & through | modules & through:
        return []
    found = []
    for node in ast.walk(tree):
        word = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
        if not of_release and ("data_docs" in word or "DataDocs" in word):
            found.append(f"{word} shows pages of results")
        if of_release and word in {"vault", "door", "connect", "open_vault"}:
            found.append(f"{word} is not of the release")
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in {"run", "validate"}:
            # A checkpoint is told when it is made.
            made = node.func.value if isinstance(node.func, ast.Attribute) else None
            is_checkpoint = isinstance(made, ast.Call) and "Checkpoint" in ast.unparse(made.func)
            told = made if isinstance(made, ast.Call) and is_checkpoint else node
            formats = [word.value for word in told.keywords if word.arg == "result_format"]
            if [getattr(value, "value", None) for value in formats] != ["BOOLEAN_ONLY"]:
                found.append("results keep values")
    return found


@pytest.mark.parametrize(
    "attack",
    [
        "definition.run()",
        "batch.validate(suite, result_format='SUMMARY')",
        "batch.validate(suite, result_format={'result_format': 'COMPLETE'})",
        "definition.run(result_format='BOOLEAN_ONLY'); context.build_data_docs()",
        "gx.Checkpoint(name='all').run()",
        "gx.Checkpoint(name='all', result_format='COMPLETE').run(batch_parameters={})",
        "gx.Checkpoint(name='all').run(result_format='BOOLEAN_ONLY')",
    ],
)
def test_expectations_that_keep_values_are_found(attack: str) -> None:
    """ATK51: each run writes a file of results, whatever a checkpoint says."""
    assert values_kept(f"import great_expectations as gx\n{attack}")
    assert not values_kept(
        "from great_expectations import get_context\ndefinition.run(result_format='BOOLEAN_ONLY')"
    )
    pages = "import great_expectations as gx\ncontext.build_data_docs()"
    assert values_kept(pages)
    assert not values_kept(pages, of_release=True)
    assert values_kept(f"{pages}\nduckdb.connect(home.vault)", of_release=True)
    assert not values_kept(
        "import great_expectations as gx\n"
        "gx.Checkpoint(name='all', result_format='BOOLEAN_ONLY').run(batch_parameters={})"
    )


def test_no_expectation_keeps_values() -> None:
    """GL-A04, in every module of ours."""
    for path in (PROJECT / "orchestration").rglob("*.py"):
        found = values_kept(path.read_text(), of_release=path.name == PAGES)
        assert found == [], path.name


def test_a_whole_run_releases(whole_run: dg.ExecuteInProcessResult, home: Home) -> None:
    """From the demo's files to the published database."""
    assert whole_run.success
    keys = {event.asset_key for event in whole_run.get_asset_materialization_events()}
    assert dg.AssetKey("release") in keys
    assert home.published.exists()
    checks = whole_run.get_asset_check_evaluations()
    assert {check.check_name for check in checks} > {"expectations"}
    assert all(c.passed or c.severity is dg.AssetCheckSeverity.WARN for c in checks)


def test_tables_tell_how_many_rows_they_have(
    whole_run: dg.ExecuteInProcessResult, home: Home
) -> None:
    """As a query of the published file counts them; a view is not computed for it."""
    told = {
        event.asset_key.path[-1]: event.materialization.metadata["dagster/row_count"].value
        for event in whole_run.get_asset_materialization_events()
        if event.asset_key and "dagster/row_count" in event.materialization.metadata
    }
    with duckdb.connect(str(home.published), read_only=True) as published:
        query = "select count(*) from marts.marts.wait_intensity"
        assert published.execute(query).fetchall() == [(told["wait_intensity"],)]
    assert "stg_canonical__changes" not in told


def test_metadata_holds_counts_and_durations(whole_run: dg.ExecuteInProcessResult) -> None:
    """Whatever is added here, somebody has thought of who may see it."""
    entries = [
        *(event.materialization for event in whole_run.get_asset_materialization_events()),
        *whole_run.get_asset_check_evaluations(),
    ]
    for entry in entries:
        for name, value in entry.metadata.items():
            assert name in COUNTS_AND_DURATIONS or name.startswith(COUNTED), name
            assert name in {"unique_id", "invocation_id", "status"} or isinstance(
                value, dg.IntMetadataValue | dg.FloatMetadataValue
            )


@pytest.mark.usefixtures("whole_run")
def test_no_secret_is_in_what_runs_leave_and_say(
    home: Home,
    secrets: dict[str, str],
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """R23: a whole run, and steps and an alert that fail with an address in their hands."""
    assets, alerts = sys.modules["orchestration.assets"], sys.modules["orchestration.alerts"]
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    # The project was held against its rules by the whole run.
    monkeypatch.setattr("orchestration.floor_guard.publish.compile_project", lambda *_, **__: {})
    monkeypatch.setattr("orchestration.floor_guard.publish.check_project", lambda *_: [])
    installation = assets.Installation(root=str(home.root), target="dev", files=None, clones=[])
    for asset in (assets.devlake, assets.release):
        failed = dg.materialize(
            [asset],
            instance=instance,
            resources={"installation": installation},
            raise_on_error=False,
        )
        assert "nothing listens there" in str([e for e in failed.all_events if e.is_step_failure])
        alerts.alert_on_failure(
            dg.build_run_status_sensor_context(
                sensor_name="alert_on_failure",
                dagster_event=failed.get_run_failure_event(),
                dagster_instance=instance,
                dagster_run=failed.dagster_run,
            ).for_run_failure()
        )
    said = "".join((*capfd.readouterr(), caplog.text))
    assert "did not take the alert" in said
    files = [path for path in home.root.rglob("*") if path.is_file()]
    assert {"vault.duckdb", "marts.duckdb", "dbt.log", "event_log.db"} <= {
        path.name for path in files
    }
    assert any(len(instance.all_logs(run.run_id)) > 100 for run in instance.get_runs())
    forms = canaries.written(home.root.parent)
    for content in (said.encode(), *(path.read_bytes() for path in files)):
        assert not any(form in content for form in forms)


def test_without_clones_git_lands_nothing(whole_run: dg.ExecuteInProcessResult) -> None:
    """And says so."""
    [found] = [
        event.materialization
        for event in whole_run.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(["git", "changes"])
    ]
    assert {value.value for value in found.metadata.values()} == {0}


@pytest.mark.usefixtures("defs")
def test_clones_are_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several, as a list of paths is written on this system."""
    assets = sys.modules["orchestration.assets"]
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "Begin"]):
            identity = ["-c", "user.name=Ada", "-c", "user.email=ada@shop.invalid"]
            subprocess.run(["git", *identity, *command], cwd=tmp_path / name, check=True)
    monkeypatch.setenv("FLOWGRAIN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FLOWGRAIN_CLONES", f"{tmp_path / 'one'}{os.pathsep}{tmp_path / 'two'}")
    installation = assets.Installation.from_environment()
    done = dg.materialize([assets.git], resources={"installation": installation})
    [found] = [
        event.materialization.metadata
        for event in done.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(["git", "commits"])
    ]
    assert found["repositories"].value == found["rows_inserted"].value == 2


@pytest.mark.usefixtures("defs")
def test_the_demo_lands_only_where_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is invented must not slip into a vault of real data."""
    assets = sys.modules["orchestration.assets"]
    monkeypatch.setenv("FLOWGRAIN_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("FLOWGRAIN_FILES", raising=False)
    installation = assets.Installation.from_environment()
    done = dg.materialize([assets.files], resources={"installation": installation})
    assert done.success
    assert not installation.home.vault.exists()


def test_the_code_location_loads_again(home: Home, defs: dg.Definitions) -> None:
    """A manifest is there then, and is held against the project's files."""
    assets = sys.modules["orchestration.assets"]
    assert prepare_dagster_home(home).joinpath("manifest.json").exists()
    assert assets.read_manifest(home)["nodes"]


@pytest.mark.usefixtures("whole_run")
@pytest.mark.parametrize("fault", ["landing", "build"])
def test_what_fails_leaves_the_release(
    defs: dg.Definitions, home: Home, tmp_path: Path, fault: str
) -> None:
    """Half of the sources, or of the models, must not look like all of them."""
    (tmp_path / "changes.csv").write_text("repository\n")
    faults = {"landing": {"files": str(tmp_path)}, "build": {"target": "nowhere"}}
    before = (home.published.stat().st_mtime_ns, home.release_report.read_bytes())
    failed = run(defs, home, **faults[fault])
    assert not failed.success
    started = {event.step_key for event in failed.all_events if event.is_step_start}
    assert "release" not in started
    assert ("build" in started) == (fault == "build")
    assert (home.published.stat().st_mtime_ns, home.release_report.read_bytes()) == before


KILLED = """
import sys
from orchestration.assets import Installation
from orchestration.definitions import defs
defs.resolve_job_def("build_models").execute_in_process(
    resources={"installation": Installation.from_environment()}
)
"""


@pytest.mark.usefixtures("whole_run")
def test_a_killed_run_leaves_no_lock_no_dbt_and_no_half_release(home: Home) -> None:
    """kill -9 while dbt builds: the next run neither waits nor meets what is left of the last."""
    before = (home.published.stat().st_mtime_ns, home.release_report.read_bytes())
    log = home.ops / "logs" / "dbt.log"
    known = log.stat().st_size
    environment = {**os.environ, "FLOWGRAIN_HOME": str(home.root), "DO_NOT_TRACK": "1"}
    run = subprocess.Popen(
        [sys.executable, "-c", KILLED],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    # Until dbt has made a table of this run.
    while run.poll() is None and b"OK created sql table" not in log.read_bytes()[known:]:
        time.sleep(0.2)
    assert run.poll() is None
    run.kill()
    run.wait()
    # The system ends dbt right after its parent; its lock on the vault goes with it.
    with home.writing(wait_seconds=1):
        for attempt in range(100):
            try:
                duckdb.connect(str(home.vault)).close()
                break
            except duckdb.IOException:
                assert attempt < 99, "dbt writes on"
                time.sleep(0.1)
    assert (home.published.stat().st_mtime_ns, home.release_report.read_bytes()) == before


@pytest.mark.usefixtures("whole_run")
def test_what_is_not_as_expected_holds_the_release(
    defs: dg.Definitions, home: Home, tmp_path: Path
) -> None:
    """The other sources land and are checked; nothing is built on the one, in this run or a next.

    A run that lands nothing finds it too: that is how a landing of its own leaves it to a build.
    """
    own = Home(tmp_path / "home")
    shutil.copytree(home.root, own.root)
    with duckdb.connect(str(own.vault)) as vault:
        vault.execute("update raw_files.change_reviews set kind = 'praised'")
    before = own.release_report.read_bytes()
    failed = run(defs, own, files=None)
    assert not failed.success
    succeeded = {event.step_key for event in failed.all_events if event.is_step_success}
    assert succeeded == {"land_github", "land_devlake", "land_git"}
    started = {event.step_key for event in failed.all_events if event.is_step_start}
    assert started - succeeded == {"land_files"}
    assets = sys.modules["orchestration.assets"]
    installation = assets.Installation(root=str(own.root), target="dev", files=None, clones=[])
    alone = dg.materialize(
        [assets.models], resources={"installation": installation}, raise_on_error=False
    )
    [event] = [event for event in alone.all_events if event.is_step_failure]
    assert "files.change_reviews is_of_the_list kind" in str(event.step_failure_data.error)
    assert own.release_report.read_bytes() == before


def test_a_run_that_was_lost_with_all_of_dagster_does_not_hold_the_others_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut nobody is left to say so; a lock that is held says somebody is."""
    home = Home(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(prepare_dagster_home(home)))

    @dg.op
    def works() -> None:
        """Never ends."""

    @dg.job
    def lost() -> None:
        works()

    with dg.DagsterInstance.get() as instance:
        run = instance.create_run_for_job(lost)
        started = dg.DagsterRunStatus.STARTED
        instance.report_dagster_event(
            dg.DagsterEvent(event_type_value="PIPELINE_START", job_name="lost"), run.run_id
        )
        assert instance.get_run_by_id(run.run_id).status == started
    with home.writing():
        end_lost_runs(home)
    with dg.DagsterInstance.get() as instance:
        assert instance.get_run_by_id(run.run_id).status == started
    end_lost_runs(home)
    with dg.DagsterInstance.get() as instance:
        assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.FAILURE


@pytest.mark.parametrize("earlier", EARLIER)
def test_settings_that_were_written_before_are_renewed(tmp_path: Path, earlier: str) -> None:
    """Nobody set anything in them; what somebody did set stays."""
    folder = Home(tmp_path).prepare().ops / "dagster"
    folder.mkdir()
    for before in (earlier, earlier + "# ours\n"):
        (folder / "dagster.yaml").write_text(before)
        prepare_dagster_home(Home(tmp_path))
        after = (folder / "dagster.yaml").read_text()
        assert (after == before) is before.endswith("# ours\n")
    (folder / "dagster.yaml").write_text(earlier)
    prepare_dagster_home(Home(tmp_path))
    settings = yaml.safe_load((folder / "dagster.yaml").read_text())
    assert settings["concurrency"]["pools"] == {"granularity": "run", "default_limit": 1}
    assert settings["event_log_storage"]["class"] == "HeldOpenEventLog"


def test_the_home_of_dagster_is_in_the_vault_and_silent(tmp_path: Path) -> None:
    """What it logs may quote a tool; what somebody set there stays."""
    home = Home(tmp_path)
    folder = prepare_dagster_home(home)
    settings = yaml.safe_load((folder / "dagster.yaml").read_text())
    assert folder.is_relative_to(home.ops)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert settings["telemetry"]["enabled"] is False
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    prepare_dagster_home(home)
    assert "nux" not in (folder / "dagster.yaml").read_text()
