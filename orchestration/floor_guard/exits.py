"""What leaves beside the published file: of the verified release alone, whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EISDIR
from pathlib import Path

import duckdb

from orchestration.errors import FlowgrainError
from orchestration.floor_guard.publish import verify
from orchestration.floor_guard.release import Release
from orchestration.floor_guard.vocabulary import open_published
from orchestration.home import Home


@contextmanager
def open_verified(home: Home) -> Iterator[tuple[Release, duckdb.DuckDBPyConnection]]:
    """Verify the release and open the very file that was verified, with no way out of it.

    Raises FlowgrainError where it is not what the gate wrote.
    """
    while True:
        before = _identity(home.published)
        release = verify(home)
        connection = open_published(home.published)
        # A release that came in between was not verified: once more.
        if _identity(home.published) == before:
            break
        connection.close()
    try:
        yield release, connection
    finally:
        connection.close()


@contextmanager
def written_whole(home: Home, folder: Path) -> Iterator[Path]:
    """Give a folder to write files in; at its end they take their place, after an error none does.

    Raises FlowgrainError (A10) for a folder among what is guarded, and where it cannot be written
    or another folder has the name of a file.
    """
    place = folder.resolve()
    for guarded in (home.door, home.vault.parent, home.published.parent):
        if place.is_relative_to(guarded.resolve()):
            raise FlowgrainError(
                f"{folder} lies in {guarded}",
                "Give a folder outside the door, the vault and the published one",
                rule="A10",
            )
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place, prefix=".flowgrain-") as aside:
            yield Path(aside)
            files = sorted(Path(aside).iterdir())
            for path in files:
                if (place / path.name).is_dir():
                    raise IsADirectoryError(EISDIR, f"{path.name} is a folder there")
                _flush(path)
            for path in files:
                path.replace(place / path.name)
    except OSError as error:
        raise FlowgrainError(
            f"{folder} cannot be written ({error.strerror})", "Give a folder of yours with room"
        ) from None


def _identity(path: Path) -> tuple[int, ...]:
    """Tell one file from the next of its name; nothing where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
