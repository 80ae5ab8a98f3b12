"""What tests share: one installation with the demo in it, built once a session."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import canaries
import duckdb
import pytest

from orchestration.build import compile_project
from orchestration.home import PROJECT, Home

COMMAND = (sys.executable, "-c", "from orchestration.cli import app; app()")
# The tests' own home and targets must not be led elsewhere by who runs them.
FOREIGN = (
    "FLOWGRAIN_ALERT_WEBHOOK",
    "FLOWGRAIN_CLONES",
    "FLOWGRAIN_DEVLAKE",
    "FLOWGRAIN_EXPECTATIONS",
    "FLOWGRAIN_FILES",
    "FLOWGRAIN_GITHUB",
    "DBT_PROFILES_DIR",
    "DBT_PROJECT_DIR",
    "DBT_TARGET_PATH",
    "DBT_LOG_PATH",
    "FLOWGRAIN_KEY_FILE",
    "FLOWGRAIN_MINIMUM_PEOPLE",
    "FLOWGRAIN_ORGANISATION",
    "FLOWGRAIN_PUBLISHED_TO",
    "FLOWGRAIN_PUBLISH_BUS_FACTOR",
    "FLOWGRAIN_READER_ROLE",
    "FLOWGRAIN_TARGET",
)


@dataclass(frozen=True)
class Lab:
    """An installation in a folder of its own, and the ways to look into it."""

    home: Home

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        """Run a flowgrain command in a process of its own, so that no lock outlives it."""
        inherited = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=PROJECT,
            env={**inherited, "FLOWGRAIN_HOME": str(self.home.root), **(environment or {})},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"flowgrain {' '.join(arguments)} failed:\n{done.stdout[-6000:]}")
        return done.stdout

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What dbt knows of the project, with the SQL that it compiled."""
        document: dict[str, Any] = json.loads((self.home.target / "manifest.json").read_text())
        return document

    @property
    def models(self) -> dict[str, dict[str, Any]]:
        """Models of the project by name."""
        nodes = self.manifest["nodes"].values()
        return {
            node["name"]: node
            for node in nodes
            if node["resource_type"] == "model" and node["package_name"] == "flowgrain"
        }

    @property
    def is_published(self) -> bool:
        """Whether the gate let a release through."""
        return self.home.published.exists()

    def vault(self) -> duckdb.DuckDBPyConnection:
        """Open what the door and dbt wrote; the caller closes it."""
        return duckdb.connect(str(self.home.vault), read_only=True)

    def published(self) -> duckdb.DuckDBPyConnection:
        """Open what readers see, or the candidates where there is no gate; caller closes it.

        Either way a mart is found under its bare name.
        """
        if self.is_published:
            connection = duckdb.connect(str(self.home.published), read_only=True)
            connection.execute("use marts")
        else:
            connection = self.vault()
            connection.execute("use flowgrain_candidate")
        return connection


@dataclass(frozen=True)
class CanaryLab(Lab):
    """An installation of an organisation of its own, and what its commands said."""

    organisation: Path
    told: list[str] = field(default_factory=list)
    secrets: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        """Run a flowgrain command for that organisation."""
        own = {"FLOWGRAIN_ORGANISATION": str(self.organisation), **self.secrets}
        if arguments[0] not in ("land", "build", "doctor"):
            # Others would ask the server, which nobody reaches.
            own["FLOWGRAIN_PUBLISHED_TO"] = ""
        return super().run(*arguments, environment={**own, **(environment or {})})


# xdist reads the groups in the same hook.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep on one worker what shares an installation or a server, and each file that does not."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        own = dir(getattr(item, "module", None))
        shared = [name for name in ("lab", "canary_lab") if name in fixtures and name not in own]
        callspec = getattr(item, "callspec", None)
        server = callspec.params.get("server", "") if callspec else ""
        item.add_marker(pytest.mark.xdist_group(shared[0] if shared else item.path.name + server))


def has_gate() -> bool:
    """Whether the publisher is part of the project."""
    return (PROJECT / "orchestration/floor_guard/publish.py").exists()


@pytest.fixture(scope="session", autouse=True)
def no_server() -> Iterator[None]:
    """Keep what tests publish away from the server of who runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("FLOWGRAIN_PUBLISHED_TO", raising=False)
        yield


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Return the demo at its default size: landed, built and, where there is a gate, published."""
    built = Lab(Home(tmp_path_factory.mktemp("lab").resolve()))
    built.run("land", "demo")
    built.run("build")
    if has_gate():
        built.run("publish")
    return built


@pytest.fixture(scope="session")
def canary_lab(tmp_path_factory: pytest.TempPathFactory) -> CanaryLab:
    """Return an installation whose every account, text and id is a canary's, and all it told."""
    folder = tmp_path_factory.mktemp("canaries").resolve()
    canaries.write(folder)
    given = canaries.secrets(folder)
    built = CanaryLab(Home(folder / "home"), folder / "organisation", secrets=given)
    built.told.append(built.run("land", "files", str(folder / "files")))
    for command in ("build", "publish", "verify", "doctor"):
        built.told.append(built.run(command))
    return built


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the honest project as dbt compiles it, once a session."""
    return compile_project(Home(tmp_path_factory.mktemp("compiled").resolve()))
