"""The gate: the only writer of the published database. It checks, swaps, or changes nothing."""

import errno
import json
import os
import stat
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from orchestration.build import compile_project
from orchestration.errors import FlowgrainError
from orchestration.floor_guard.candidates import (
    Candidate,
    check_candidates,
    manifest_hash,
    open_vault,
    read_build,
    read_candidates,
)
from orchestration.floor_guard.constants import PUBLISHED_SCHEMA, STORAGE_VERSION
from orchestration.floor_guard.environment import Environment, check_environment, has_one_owner
from orchestration.floor_guard.figures import check_figures
from orchestration.floor_guard.postgresql import (
    Server,
    check_server,
    published_server,
    replace_release,
    verify_server,
)
from orchestration.floor_guard.project import REMEDIES, check_project, refuse
from orchestration.floor_guard.recount import recount_people
from orchestration.floor_guard.release import (
    Release,
    describe,
    read_loads,
    release_id,
    write_report,
)
from orchestration.floor_guard.rules import literal, quoted
from orchestration.floor_guard.vocabulary import (
    admit_vocabulary,
    check_file,
    read_known,
    read_registered,
)
from orchestration.home import PROJECT, Home, ask_for_room
from orchestration.landing.vault import flush

Json = dict[str, Any]

PUBLISHED_MODE = 0o444
PUBLISH_AGAIN = "Run `flowgrain publish` to write it anew"


def publish(home: Home, *, target: str = "dev") -> Release:
    """Check the project and what it offers, and swap in a new release; a refusal changes nothing.

    The project is compiled anew for the target: what dbt wrote about the build is no proof of it.
    """
    check_environment(Environment(home, target))
    ask_for_room(home.published)
    manifest = compile_project(home, target=target)
    refuse(check_project(manifest, PROJECT))
    return release(home, manifest, target=target)


def release(home: Home, manifest: Json, *, target: str = "dev") -> Release:
    """Check what a checked project offers, and swap it in; a refusal changes nothing."""
    environment = Environment(home, target)
    # Before the lock: taking it mends the folders, and what was open should be told.
    check_environment(environment)
    server = published_server()
    passed = check_server(server)
    with home.writing():
        rules = check_environment(environment) + passed
        _sweep(home)
        try:
            return _release(home, manifest, rules, server)
        except (OSError, duckdb.Error) as error:
            raise _said_plainly(home, error) from None
        finally:
            _sweep(home)


def verify(home: Home) -> Release:
    """Hold what is published against its report; raise where it is not what the gate wrote.

    That is the file, and the tables on PostgreSQL where FLOWGRAIN_PUBLISHED_TO names a database.
    """
    path = home.published
    if path.is_symlink() or not path.is_file():
        raise FlowgrainError(f"{path} is not there, or a link", PUBLISH_AGAIN, rule="S01")
    if _wal(path).exists():
        raise FlowgrainError(
            f"{_wal(path)} shows that somebody opened the release for writing",
            PUBLISH_AGAIN,
            rule="S03",
        )
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode != PUBLISHED_MODE:
        raise FlowgrainError(f"{path} has mode {mode:04o}, not 0444", PUBLISH_AGAIN, rule="S01")
    release = _describe_release(home, path)
    # Between the two renames of a release its report still has its other name.
    reports = (home.release_report, _next_report(home))
    if not any(_is_described_by(release, report) for report in reports):
        raise FlowgrainError(
            f"{path} is not what its release report describes", PUBLISH_AGAIN, rule="S03"
        )
    if server := published_server():
        verify_server(server, release)
    return release


def _release(home: Home, manifest: Json, rules: list[str], server: Server | None) -> Release:
    next_path = _next_file(home)
    with open_vault(home) as connection:
        build = read_build(home, connection, manifest)
        rules += check_candidates(build)
        candidates = read_candidates(build)
        rules += recount_people(connection, candidates)
        rules += check_figures(connection, candidates)
        loads = read_loads(connection)
        known = read_known(home, connection)
        rules += admit_vocabulary(connection, known)
        registered = read_registered(connection)
        _write(connection, candidates, next_path)
        content = manifest_hash(build)
    rules += check_file(next_path, candidates, registered, known)
    done = _describe_release(home, next_path)
    report = write_report(
        done, rules=[*rules, *REMEDIES, "B06", "K04", "S03"], loads=loads, manifest_hash=content
    )
    next_report = _next_report(home)
    _write_text(next_report, report)
    next_path.chmod(PUBLISHED_MODE)
    flush(next_path)
    if server:
        # Before the file, for a commit fails more often than a rename; what a kill between them
        # leaves, `verify` tells and the next publish mends.
        replace_release(server, replace(done, path=next_path))
    # The one moment at which readers go from the old release to the new one.
    try:
        os.replace(next_path, home.published)
    except OSError as error:
        if server is None:
            raise
        raise FlowgrainError(
            f"PostgreSQL holds the new release, {home.published} the old one ({error.strerror})",
            "Make its folder one of yours, then publish again",
        ) from None
    flush(home.published.parent)
    os.replace(next_report, home.release_report)
    flush(home.published.parent)
    return done


def _write(
    connection: duckdb.DuckDBPyConnection, candidates: tuple[Candidate, ...], path: Path
) -> None:
    """Write a file that never held anything else; nobody else may read it until it passed."""
    # The write-ahead log appears with the first row, so the mask stays until the file is closed.
    mask = os.umask(0o077)
    try:
        _fill(connection, candidates, path)
    finally:
        os.umask(mask)


def _fill(
    connection: duckdb.DuckDBPyConnection, candidates: tuple[Candidate, ...], path: Path
) -> None:
    # Uncompressed, so that a scan of the bytes means something.
    connection.execute("set force_compression = 'uncompressed'")
    connection.execute(
        f"attach {literal(str(path))} as next (storage_version {literal(STORAGE_VERSION)})"
    )
    schema = f"next.{PUBLISHED_SCHEMA}"
    connection.execute(f"create schema {schema}")
    for table in candidates:
        for statement in table.declaration(schema):
            connection.execute(statement)
        names = ", ".join(quoted(column.name) for column in table.columns)
        connection.execute(
            f"insert into {schema}.{quoted(table.name)} "
            f"select {names} from {table.relation} order by all"
        )
    connection.execute("checkpoint next")
    connection.execute("detach next")


def _describe_release(home: Home, path: Path) -> Release:
    as_of, tables = describe(path)
    return Release(release_id(as_of, tables), as_of, tables, home.published, has_one_owner(home))


def _is_described_by(release: Release, report: Path) -> bool:
    try:
        content: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        described = {table["name"]: table["sha256"] for table in content["tables"]}
    except (OSError, ValueError, KeyError, TypeError):
        return False
    actual = {table.name: table.sha256 for table in release.tables}
    return described == actual and content.get("release") == release.release


def _sweep(home: Home) -> None:
    """Clear what a publisher left behind that did not come to its end."""
    report = _next_report(home)
    if report.exists() and home.published.exists():
        with suppress(FlowgrainError):
            # Killed between its two renames: the release is whole, its report takes its place.
            if _is_described_by(_describe_release(home, home.published), report):
                report.replace(home.release_report)
    folder = home.published.parent
    for pattern in (f"{home.published.name}.next*", f"{home.release_report.name}.next*"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)
    _wal(home.published).unlink(missing_ok=True)


def _said_plainly(home: Home, error: OSError | duckdb.Error) -> FlowgrainError:
    """Turn an error of a tool into ours, for its own text may hold a value."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if full or isinstance(error, duckdb.IOException):
        return FlowgrainError(
            f"{home.published.parent} cannot be written: the disk is full or failing",
            "Make room for a second copy of the published file, then publish again; "
            "the old release is untouched",
        )
    if isinstance(error, OSError):
        return FlowgrainError(
            f"{home.published.parent} cannot be written ({error.strerror})",
            "Make it a folder of yours, then publish again; the old release is untouched",
        )
    return FlowgrainError(
        f"The vault could not be checked ({type(error).__name__})",
        "Run `flowgrain build`, then publish; the old release is untouched",
    )


def _next_file(home: Home) -> Path:
    return home.published.with_name(f"{home.published.name}.next-{os.getpid()}")


def _next_report(home: Home) -> Path:
    return home.release_report.with_name(f"{home.release_report.name}.next")


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _write_text(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
