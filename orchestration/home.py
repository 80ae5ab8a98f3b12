"""Where flowgrain keeps things: every path below FLOWGRAIN_HOME, with owner-only rights."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestration.errors import BusyError, FlowgrainError

PROJECT = Path(__file__).resolve().parents[1]
# How long a writer waits for the one before it.
WAIT_SECONDS = 600.0
# Old rows stay beside new ones until these are whole, and what is sorted lies beside both.
ROOM = 3


@dataclass(frozen=True)
class Home:
    """The folders of one installation; see "Interfaces that stay" in docs/architecture.md."""

    root: Path

    @classmethod
    def from_environment(cls) -> "Home":
        """Read FLOWGRAIN_HOME; `.flowgrain/` in the project without it."""
        return cls(Path(os.environ.get("FLOWGRAIN_HOME") or PROJECT / ".flowgrain").resolve())

    @property
    def door(self) -> Path:
        """Key file, identity map (read by the gate too) and quarantined payloads."""
        return self.root / "door"

    @property
    def vault(self) -> Path:
        """The database that the door and dbt write."""
        return self.root / "vault" / "vault.duckdb"

    @property
    def ops(self) -> Path:
        """What tools leave behind: dbt's target and logs, Dagster's home, temporary files."""
        return self.root / "vault" / "ops"

    @property
    def target(self) -> Path:
        """dbt's artefacts."""
        return self.ops / "target"

    @property
    def published(self) -> Path:
        """The database that readers open; written by the gate alone."""
        return self.root / "published" / "marts.duckdb"

    @property
    def release_report(self) -> Path:
        """Counts and hashes of the release, beside it."""
        return self.root / "published" / "release_report.json"

    def prepare(self) -> "Home":
        """Make the folders; the door, the vault and what tools leave are for their owner only."""
        try:
            for folder in (self.door, self.vault.parent, self.ops, self.ops / "tmp"):
                folder.mkdir(parents=True, exist_ok=True)
                folder.chmod(0o700)
            self.published.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FlowgrainError(
                f"{self.root} cannot be written ({error.strerror})",
                "Set FLOWGRAIN_HOME to a folder that is yours",
            ) from None
        return self

    @contextmanager
    def writing(self, *, wait_seconds: float | None = None) -> Iterator[None]:
        """Hold the one writer's lock of this installation; a dead process holds none.

        Raises BusyError where another process still holds it after so long, or ten minutes.
        """
        self.prepare()
        path = self.root / ".lock"
        with path.open("a+") as file:
            until = time.monotonic() + (WAIT_SECONDS if wait_seconds is None else wait_seconds)
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= until:
                        file.seek(0)
                        holder = file.read().strip() or "unknown"
                        raise BusyError(
                            f"{self.root} is locked by another flowgrain process (pid {holder})",
                            "Wait until it ends, then run the command again",
                        ) from None
                    time.sleep(0.2)
            file.seek(0)
            file.truncate()
            file.write(str(os.getpid()))
            file.flush()
            self._sweep_spill()
            yield

    def _sweep_spill(self) -> None:
        """Clear what a killed process had put aside while it sorted: rows of people on disk."""
        for path in (self.ops / "tmp").glob("duckdb_temp*"):
            path.unlink(missing_ok=True)


def ask_for_room(path: Path) -> None:
    """Ask before a file is written anew whether its disk has room for three of its size.

    Raises FlowgrainError with the path and both amounts, in megabytes, where it has not.
    """
    if not path.exists():
        return
    needed, free = ROOM * path.stat().st_size, shutil.disk_usage(path.parent).free
    if free < needed:
        raise FlowgrainError(
            f"{path} may need {needed / 1e6:,.1f} MB of room, and {free / 1e6:,.1f} MB are free",
            "Free space on that disk, then run it again; nothing was changed",
        )
