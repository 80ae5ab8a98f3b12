"""The way of the data as assets: what lands, what dbt makes of it, what the gate releases.

An asset hands no data to the next one and shows none: its metadata holds counts, no more.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets

from orchestration.build import dbt_environment, prepare_build, run_dbt
from orchestration.dagster_home import prepare_dagster_home
from orchestration.errors import FlowgrainError
from orchestration.home import PROJECT, Home
from orchestration.landing.demo import write_demo
from orchestration.landing.devlake import land_devlake
from orchestration.landing.door import DEMO, Counts, Landing
from orchestration.landing.files import land_files
from orchestration.landing.freshness import last_landings, stale_sources, windows
from orchestration.landing.git import land_git
from orchestration.landing.github import land_github
from orchestration.landing.vault import read_vault
from orchestration.validation.checks import check_results, check_specs

LAYERS = ("staging", "intermediate", "floor", "marts")
# Whatever opens the vault waits for its turn; Dagster starts no two runs of this pool.
VAULT = "vault"
# A sensor waits no longer for whoever writes, for it looks again.
LOOK_SECONDS = 5
OWNERS = {"vault": "team:data-stewards", "published": "team:metric-stewards"}
PARSED = ("dbt_project.yml", "models", "macros", "seeds", "tests/generic", "tests/singular")


class Installation(dg.ConfigurableResource):
    """Where this installation keeps things, and what it lands; by default the environment says."""

    root: str
    target: str
    files: str | None
    github: str | None
    clones: list[str]
    demo_scale: float = 1.0

    @classmethod
    def from_environment(cls) -> "Installation":
        """Read what the command line reads, and the variables that name sources."""
        return cls(
            root=str(Home.from_environment().root),
            target=os.environ.get("FLOWGRAIN_TARGET") or "dev",
            files=os.environ.get("FLOWGRAIN_FILES") or None,
            github=os.environ.get("FLOWGRAIN_GITHUB") or None,
            clones=[p for p in os.environ.get("FLOWGRAIN_CLONES", "").split(os.pathsep) if p],
        )

    @property
    def connected(self) -> list[str]:
        """Sources that have somewhere to land from."""
        given = {
            "files": self.files,
            "github": self.github,
            "devlake": os.environ.get("FLOWGRAIN_DEVLAKE"),
            "git": self.clones,
        }
        return [source for source, origin in given.items() if origin]

    @property
    def home(self) -> Home:
        """The folders, as everything else knows them."""
        return Home(Path(self.root))

    @property
    def dbt(self) -> DbtCliResource:
        """The dbt that was installed beside this Python, on this project."""
        return DbtCliResource(
            project_dir=str(PROJECT),
            profiles_dir=dbt_environment(self.home)["DBT_PROFILES_DIR"],
            target=self.target,
            # Ends with the run, so that no dbt writes on when the run's worker is gone.
            dbt_executable=str(Path(sys.executable).with_name("flowgrain-dbt")),
        )


def read_manifest(home: Home) -> dict[str, Any]:
    """What dbt says the project is made of; parsed anew when the project has changed since.

    Apart from the artefacts of a build, which the gate holds a release against.
    """
    path = prepare_dagster_home(home) / "manifest.json"
    if not path.exists() or path.stat().st_mtime < _last_edit():
        with tempfile.TemporaryDirectory(dir=home.ops / "tmp") as folder:
            done = run_dbt(home, "parse", "--target-path", folder)
            if done.returncode:
                raise FlowgrainError(
                    f"dbt cannot read the project:\n{done.stdout.strip()}",
                    "Put this right, then reload the code location; "
                    "if a package is missing, run `make install`",
                )
            os.replace(Path(folder) / "manifest.json", path)
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def _last_edit() -> float:
    """Folders count too: what was removed leaves its time on them."""
    paths = (path for name in PARSED for path in ((PROJECT / name), *(PROJECT / name).rglob("*")))
    return max(path.stat().st_mtime for path in paths)


class Translator(DagsterDbtTranslator):
    """Groups by layer, so that the graph reads from left to right; dbt's groups own.

    The rest comes from dbt.
    """

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        """Describe one dbt resource to Dagster."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        props = self.get_resource_props(manifest, unique_id)
        path = props["fqn"][1:-1]
        layer = next((part for part in path if part in LAYERS), "seeds")
        tags = {"layer": layer}
        if path and path[-1] != layer:
            tags["domain"] = path[-1]
        return spec.replace_attributes(
            group_name=layer,
            owners=[OWNERS[props["config"].get("group") or "vault"]],
            tags={**spec.tags, **tags},
        )


Told = dg.MaterializeResult[Any] | dg.AssetCheckResult

MANIFEST = read_manifest(Home.from_environment())
TRANSLATOR = Translator()
CONNECTED = Installation.from_environment().connected


def _tables(
    source: str, kind: str, note: str, deps: Iterable[dg.AssetKey] = ()
) -> list[dg.AssetSpec]:
    """Tables of a dbt source under the very keys that the models depend on.

    A source that is connected has to land as often as its window of freshness says.
    """
    fresh = None
    if source in CONNECTED:
        warn_after, error_after = windows()[source]
        fresh = dg.FreshnessPolicy.time_window(fail_window=error_after, warn_window=warn_after)
    return [
        dg.AssetSpec(
            TRANSLATOR.get_asset_key(props),
            # Not the translator's text, which ends in an empty block of SQL.
            description=f"{props['description']} {note}",
            group_name="door",
            kinds={kind},
            owners=[OWNERS["vault"]],
            tags={"layer": "door", "domain": source},
            metadata={"dagster/column_schema": _columns(props)},
            freshness_policy=fresh,
            deps=list(deps),
        )
        for props in MANIFEST["sources"].values()
        if props["source_name"] == source
    ]


def _columns(props: Mapping[str, Any]) -> dg.TableSchema:
    """Columns with their documentation, as dagster-dbt tells them of models."""
    return dg.TableSchema(
        [
            dg.TableColumn(column["name"], column["data_type"] or "", column["description"])
            for column in props["columns"].values()
        ]
    )


FILES = _tables(
    "files",
    "file",
    "Landed from the folder that FLOWGRAIN_FILES names; from the invented demo if it says demo.",
)
GITHUB = _tables(
    "github",
    "github",
    "Landed from the folder of API pages that FLOWGRAIN_GITHUB names; without it, nothing lands.",
)
DEVLAKE = _tables(
    "devlake",
    "devlake",
    "Landed from the database or the folder that FLOWGRAIN_DEVLAKE names; without it, nothing.",
)
GIT = _tables(
    "git",
    "git",
    "Landed from the clones that FLOWGRAIN_CLONES names; without it, nothing lands.",
)
BOOKS = _tables(
    "door",
    "duckdb",
    "Written by the landings; counted here once all of them are in.",
    deps=[spec.key for spec in (*FILES, *GITHUB, *DEVLAKE, *GIT)],
)


def _counted(
    spec: dg.AssetSpec, counts: Mapping[str, Counts], **more: int
) -> dg.MaterializeResult[Any]:
    of_entity = counts.get(spec.key.path[-1], Counts())
    return dg.MaterializeResult(asset_key=spec.key, metadata={**asdict(of_entity), **more})


@dg.multi_asset(
    specs=FILES, check_specs=check_specs(FILES, MANIFEST), name="land_files", pool=VAULT
)
def files(installation: Installation) -> Iterator[Told]:
    """Land files of the contract; nothing where FLOWGRAIN_FILES names no folder."""
    home = installation.home.prepare()
    done = Landing()
    if installation.files == DEMO:
        with tempfile.TemporaryDirectory(dir=home.ops / "tmp") as folder:
            write_demo(Path(folder), scale=installation.demo_scale)
            done = land_files(home, Path(folder), target=installation.target, is_demo=True)
    elif installation.files:
        done = land_files(home, Path(installation.files), target=installation.target)
    unchanged = {Path(name).stem for name in done.unchanged}
    for spec in FILES:
        yield _counted(spec, done.counts, unchanged_files=int(spec.key.path[-1] in unchanged))
    yield from check_results(home, FILES, MANIFEST)


@dg.multi_asset(
    specs=GITHUB, check_specs=check_specs(GITHUB, MANIFEST), name="land_github", pool=VAULT
)
def github(installation: Installation) -> Iterator[Told]:
    """Land pages of GitHub's API; nothing where FLOWGRAIN_GITHUB names no folder."""
    counts: Mapping[str, Counts] = {}
    if folder := installation.github:
        counts = land_github(installation.home, Path(folder), target=installation.target).counts
    for spec in GITHUB:
        yield _counted(spec, counts)
    yield from check_results(installation.home, GITHUB, MANIFEST)


# A network may fail and come back, and what was read is kept: the others only read this disk.
@dg.multi_asset(
    specs=DEVLAKE,
    check_specs=check_specs(DEVLAKE, MANIFEST),
    name="land_devlake",
    pool=VAULT,
    retry_policy=dg.RetryPolicy(max_retries=2, delay=60, backoff=dg.Backoff.EXPONENTIAL),
)
def devlake(installation: Installation) -> Iterator[Told]:
    """Land what DevLake has written since; nothing where FLOWGRAIN_DEVLAKE names none."""
    counts: Mapping[str, Counts] = {}
    # The address holds a password: it is read where it is used, and no run's config shows it.
    if source := os.environ.get("FLOWGRAIN_DEVLAKE"):
        counts = land_devlake(installation.home, source, target=installation.target).counts
    for spec in DEVLAKE:
        yield _counted(spec, counts)
    yield from check_results(installation.home, DEVLAKE, MANIFEST)


@dg.multi_asset(specs=GIT, check_specs=check_specs(GIT, MANIFEST), name="land_git", pool=VAULT)
def git(installation: Installation) -> Iterator[Told]:
    """Land what is new in local clones; nothing where FLOWGRAIN_CLONES names none."""
    counts: Mapping[str, Counts] = {}
    if clones := [Path(clone) for clone in installation.clones]:
        counts = land_git(installation.home, clones, target=installation.target).counts
    for spec in GIT:
        yield _counted(spec, counts, repositories=len(clones))
    yield from check_results(installation.home, GIT, MANIFEST)


@dg.multi_asset(specs=BOOKS, name="count_the_books", pool=VAULT)
def books(installation: Installation) -> Iterator[dg.MaterializeResult[Any]]:
    """Count what the door wrote down, so that the run shows it beside what came of it."""
    home = installation.home
    with home.writing(), read_vault(home) as vault:
        for spec in BOOKS:
            found = vault.execute(f"select count(*) from door.{spec.key.path[-1]}").fetchone()
            yield dg.MaterializeResult(
                asset_key=spec.key, metadata={"rows": found[0] if found else 0}
            )


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Hand variables to a child process, which inherits ours, and take them back."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


# Unit tests belong to `make test`: they look at the code, not at what has landed.
@dbt_assets(manifest=MANIFEST, dagster_dbt_translator=TRANSLATOR, name="build", pool=VAULT)
def models(context: dg.AssetExecutionContext, installation: Installation) -> Iterator[Any]:
    """Build and test every seed and model in one go, as the gate demands of a release.

    What was built is told when all of it is: half a build has made nothing that counts.
    """
    home = installation.home
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    arguments += ["--log-path", str(home.ops / "logs")]
    with home.writing():
        prepare_build(home, target=installation.target)
        # What ends before its first node must not pass for the build before it.
        (home.target / "run_results.json").unlink(missing_ok=True)
        with _environment(dbt_environment(home)):
            build = installation.dbt.cli(
                arguments, context=context, target_path=home.target, raise_on_error=False
            )
        # dbt's own lines stand in the run's output while it works.
        events = list(build.stream())
        rows = _rows(home)
    is_whole = build.is_successful()
    for event in events:
        if is_whole or isinstance(event, dg.AssetCheckResult | dg.AssetCheckEvaluation):
            yield _with_rows(event, rows)
    if not is_whole:
        raise FlowgrainError(
            f"dbt build failed: {_failed(home)}", f"dbt's own words are in {home.ops / 'logs'}"
        )


def _rows(home: Home) -> dict[str, int]:
    """Rows of each table that dbt made, by its name: a view would be computed for it."""
    with read_vault(home) as vault:
        tables = vault.execute(
            "select schema_name, table_name from duckdb_tables() "
            "where schema_name like 'flowgrain%'"
        ).fetchall()
        counts = {}
        for schema, table in tables:
            found = vault.execute(f'select count(*) from "{schema}"."{table}"').fetchone()
            counts[table] = found[0] if found else 0
    return counts


def _with_rows(event: Any, rows: Mapping[str, int]) -> Any:
    key = getattr(event, "asset_key", None)
    is_made = isinstance(event, dg.Output | dg.AssetMaterialization | dg.MaterializeResult)
    if not is_made:
        return event
    name = key.path[-1] if key else event.output_name.split("__")[-1]
    if name not in rows:
        return event
    return event.with_metadata({**event.metadata, "dagster/row_count": rows[name]})


def _failed(home: Home) -> str:
    """Names of what failed; a database's own message could quote a value."""
    path = home.target / "run_results.json"
    if not path.exists():
        return "it did not reach the first model"
    results = json.loads(path.read_text(encoding="utf-8"))["results"]
    return ", ".join(r["unique_id"] for r in results if r["status"] in ("error", "fail"))


MARTS = [spec.key for spec in models.specs if spec.group_name == "marts"]


@dg.asset(
    deps=MARTS,
    group_name="release",
    kinds={"duckdb"},
    owners=[OWNERS["published"]],
    tags={"layer": "release"},
    pool=VAULT,
    # There is one every Thursday; by noon it is late.
    freshness_policy=dg.FreshnessPolicy.cron(
        deadline_cron="0 12 * * 4", lower_bound_delta=timedelta(hours=12)
    ),
)
def release(installation: Installation) -> dg.MaterializeResult:
    """The published database: written by the gate alone, whole or not at all."""
    # The gate is loaded where it is used: a fault in it must not hide the graph.
    from orchestration.floor_guard.publish import publish

    done = publish(installation.home, target=installation.target)
    return dg.MaterializeResult(
        metadata={
            "tables": len(done.tables),
            **{f"rows of {table.name}": table.rows for table in done.tables},
        },
        # The same content has the same name.
        data_version=dg.DataVersion(done.release),
    )


@dg.multi_asset_check(
    name="mark_what_hangs_on_stale_sources",
    specs=[
        dg.AssetCheckSpec(
            "sources_are_fresh",
            asset=key,
            description="Warns where a connected source has not landed within its window.",
        )
        for key in (*MARTS, dg.AssetKey("release"))
    ],
    pool=VAULT,
)
def sources_are_fresh(installation: Installation) -> Iterator[dg.AssetCheckResult]:
    """Every mart rests on every source, for weeks close for all of them at once."""
    stale = len(find_stale_sources(installation.home))
    for key in (*MARTS, dg.AssetKey("release")):
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name="sources_are_fresh",
            passed=not stale,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"stale sources": stale},
        )


def find_stale_sources(home: Home, *, wait_seconds: float | None = None) -> list[str]:
    """Name connected sources that landed longer ago than their window, by this machine's clock.

    Raises FlowgrainError where the vault cannot be read, BusyError where another process holds it
    for longer than that, or ten minutes.
    """
    if not home.vault.exists():
        return []
    with home.writing(wait_seconds=wait_seconds), read_vault(home) as vault:
        return stale_sources(last_landings(vault), datetime.now(UTC).replace(tzinfo=None))
