"""R25: what is installed is what was locked, and nothing of it runs while it is."""

import hashlib
import re
import shlex
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from orchestration.home import PROJECT

MAKEFILE = (PROJECT / "Makefile").read_text()
LOCK = (PROJECT / "requirements.lock").read_text()
LOCKED = re.findall(r"^(\S+?)==(\S+)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)", LOCK, re.MULTILINE)
WHEEL = "invented-1.0-py3-none-any.whl"
# A way to build of its own, which leaves a mark.
BACKEND = """
from pathlib import Path
def build_wheel(*_, **__):
    Path({mark!r}).touch()
    raise SystemExit
"""
SYSTEM = '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'


def test_every_package_of_the_lock_has_one_version_and_hashes() -> None:
    lines = [line for line in LOCK.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(LOCKED) == len(lines) > 100


def test_the_lock_holds_what_the_project_asks_for_within_its_bounds() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    locked = {canonicalize_name(name.split("[")[0]): version for name, version, _ in LOCKED}
    for asked in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        requirement = Requirement(asked)
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)]), asked
    # An upgrade of these may change a figure: it is decided, never met.
    decided = {"dbt-core", "dbt-duckdb", "duckdb", "dagster", "great-expectations"}
    assert decided <= {
        Requirement(asked).name for asked in project["dependencies"] if "~=" in asked
    }


@pytest.mark.parametrize("is_changed", [False, True])
def test_a_wheel_that_was_changed_after_it_was_locked_is_refused(
    tmp_path: Path, is_changed: bool
) -> None:
    path = tmp_path / WHEEL
    with zipfile.ZipFile(path, "w") as wheel:
        told = {
            "METADATA": "Metadata-Version: 2.1\nName: invented\nVersion: 1.0\n",
            "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "RECORD": "",
        }
        for name, text in told.items():
            wheel.writestr(f"invented-1.0.dist-info/{name}", text)
    lock(path)
    if is_changed:
        with zipfile.ZipFile(path, "a") as wheel:
            wheel.writestr("invented.py", "changed = True\n")
    done = install(tmp_path)
    assert (tmp_path / "installed").exists() is not is_changed, done.stdout
    assert ("DO NOT MATCH THE HASHES" in done.stdout) is is_changed


def test_what_would_have_to_be_built_is_refused_before_it_runs(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    path = tmp_path / "invented-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as source:
        for name, text in {
            "pyproject.toml": SYSTEM + '[project]\nname = "invented"\nversion = "1.0"\n',
            "own.py": BACKEND.format(mark=str(mark)),
            "PKG-INFO": "Metadata-Version: 2.1\nName: invented\nVersion: 1.0\n",
        }.items():
            member = tarfile.TarInfo(f"invented-1.0/{name}")
            member.size = len(text.encode())
            source.addfile(member, BytesIO(text.encode()))
    lock(path)
    done = install(tmp_path)
    assert done.returncode
    assert not mark.exists()
    # It is the option that keeps it from running.
    install(tmp_path, without=("--only-binary", ":all:"))
    assert mark.exists()


def lock(path: Path) -> None:
    """Ask for a file as the lock does, by its hash."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name("requirements.lock").write_text(f"invented==1.0 --hash=sha256:{found}\n")


def install(folder: Path, without: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
    """Install what a lock names with the options of the Makefile, from this folder alone."""
    found = re.search(r"pip install (.* -r requirements\.lock)$", MAKEFILE, re.MULTILINE)
    assert found
    options = [option for option in shlex.split(found[1]) if option not in without]
    return subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--isolated", "install", *options),
            *("--no-index", "--find-links", ".", "--target", "installed"),
        ],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
