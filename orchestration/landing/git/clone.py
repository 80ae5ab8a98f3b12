"""A clone read through the git program, which is never asked to change or to fetch anything.

The program reads, not a library: it alone honours mailmap, rename detection, alternates and every
object format alike; pygit2 ships its own subset of that, dulwich finds no renames fast.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from orchestration.errors import FlowgrainError
from orchestration.landing.derive import name_of_remote

# What the caller's environment or a repository's own configuration could bend is set here.
HARDENING = (
    "--no-pager",
    *("-c", "safe.directory=*"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.pager=cat"),
    *("-c", "protocol.allow=never"),
    *("-c", "mailmap.blob=HEAD:.mailmap"),
    *("-c", "log.showSignature=false"),
    *("-c", "log.showRoot=true"),
    *("-c", "diff.orderFile=/dev/null"),
    *("-c", "diff.algorithm=myers"),
    *("-c", "core.attributesFile=/dev/null"),
    *("-c", "core.bigFileThreshold=512m"),
    *("-c", "mailmap.file="),
)
ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    # Programs before 2.45 know no GIT_NO_LAZY_FETCH: without a protocol they cannot fetch either.
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "LC_ALL": "C",
}
PULL_REF = re.compile(
    r"^refs/(?:(?:pull|merge-requests)/(?P<id>\d+)/head|pull-requests/(?P<id2>\d+)/from"
    r"|remotes/[^/]+/(?:pr|pull|mr|merge-requests)/(?P<id3>\d+)(?:/head)?)$"
)
WHOLE = "Run `git fetch --refetch --no-filter` in it, or clone it without --filter"


class Clone:
    """A repository on disk, read through the git program; nothing in it is ever changed."""

    def __init__(self, folder: Path, name: str | None = None) -> None:
        """Refuse what holds no whole history."""
        self.folder = folder
        if not folder.is_dir():
            raise FlowgrainError(f"{folder} is not a folder", "Give the folder of a clone")
        # Git would look in the folders above, and land a repository that nobody named.
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        self._environment |= ENVIRONMENT
        self._environment["GIT_CEILING_DIRECTORIES"] = str(folder.resolve().parent)
        if self._ask("rev-parse", "--git-dir") is None:
            raise FlowgrainError(
                f"{folder} is not a git repository",
                "Give the top folder of a clone, or a bare repository",
            )
        if self._ask("rev-parse", "--is-shallow-repository") == "true":
            raise FlowgrainError(
                f"{folder} is a shallow clone: its history is cut off",
                "Run `git fetch --unshallow` in it, then land it again",
            )
        self.is_bare = self._ask("rev-parse", "--is-bare-repository") == "true"
        self.common_folder = folder / (self._ask("rev-parse", "--git-common-dir") or ".git")
        self.is_partial = any((self.common_folder / "objects" / "pack").glob("*.promisor"))
        self.follows_remote, self.tip = self._find_tip()
        self.name = name or self._find_name()
        self.missing = self._find_missing()

    def broken(self) -> FlowgrainError:
        """Git's own words may name people, so they are not passed on."""
        remedy = "Run `git fsck` in it; if it complains, clone again"
        return FlowgrainError(
            f"{self.folder} lacks objects, or they are damaged",
            f"It is a partial clone. {WHOLE}" if self.is_partial else remedy,
        )

    def tokens(self, *arguments: str, revisions: Iterable[str] = ()) -> Iterator[bytes]:
        """Stream what git prints, split at NUL; revisions go through standard input."""
        yield from _split(self._stream(arguments, revisions), b"\0")

    def lines(self, *arguments: str, revisions: Iterable[str] = ()) -> Iterator[str]:
        """Stream what git prints by line, for what holds neither paths nor text."""
        for line in _split(self._stream(arguments, revisions), b"\n"):
            yield line.decode("utf-8", "replace")

    def holds(self, commit: str) -> bool:
        """Whether the commit is there at all; one that was forced away may not be."""
        return self._ask("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}") is not None

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether one commit is in the history of another."""
        return self._ask("merge-base", "--is-ancestor", older, newer) is not None

    def is_on_main_line(self, commit: str) -> bool:
        """Whether the main line still passes this commit, so that what follows it is new."""
        if commit == self.tip:
            return True
        if not self.holds(commit):
            return False
        last = ""
        for line in self.lines("rev-list", "--first-parent", "--parents", f"{commit}..{self.tip}"):
            last = line
        return last.split()[1:2] == [commit]

    def pull_heads(self) -> dict[str, str]:
        """Last commit of each change's branch, where the clone has these refs."""
        heads = {}
        for line in self.lines("for-each-ref", "--format=%(objectname) %(objecttype) %(refname)"):
            sha, kind, ref = line.split(" ", 2)
            if kind == "commit" and (found := PULL_REF.match(ref)):
                heads[found["id"] or found["id2"] or found["id3"]] = sha
        return heads

    def _command(self, arguments: Iterable[str]) -> list[str]:
        return ["git", "-C", str(self.folder), *HARDENING, *arguments]

    def _ask(self, *arguments: str) -> str | None:
        """First line of a short answer; None where git says no."""
        answer = subprocess.run(
            self._command(arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment,
            check=False,
        )
        if answer.returncode:
            return None
        return answer.stdout.decode("utf-8", "surrogateescape").split("\n", 1)[0]

    def _stream(self, arguments: Iterable[str], revisions: Iterable[str]) -> Iterator[bytes]:
        with tempfile.TemporaryFile() as given:
            given.writelines(f"{revision}\n".encode() for revision in revisions)
            given.seek(0)
            process = subprocess.Popen(
                self._command(arguments),
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environment,
            )
            assert process.stdout is not None
            try:
                while piece := process.stdout.read(1 << 20):
                    yield piece
                if process.wait():
                    raise self.broken()
            finally:
                process.kill()
                process.stdout.close()
                process.wait()

    def _find_tip(self) -> tuple[bool, str]:
        """Head of the default branch: the remote's, since a work tree may stand on any branch."""
        heads = ["HEAD"] if self.is_bare else ["refs/remotes/origin/HEAD", "HEAD"]
        for head in heads:
            if found := self._ask("rev-parse", "--verify", "--quiet", f"{head}^{{commit}}"):
                return head != "HEAD", found
        if self._ask("rev-parse", "--verify", "--quiet", "HEAD"):
            raise self.broken()
        if self._ask("for-each-ref", "--count=1", "--format=%(refname)"):
            raise FlowgrainError(
                f"{self.folder}: its HEAD names a branch that is not there",
                "Run `git symbolic-ref HEAD refs/heads/NAME` in it with the default branch's name",
            )
        raise FlowgrainError(f"{self.folder} holds no commits", "Fetch or push its history first")

    def _find_name(self) -> str:
        """`owner/name` as the remote says it, else the folder's name."""
        if name := name_of_remote(self._ask("config", "--local", "--get", "remote.origin.url")):
            return name
        folder = self.folder.resolve()
        if folder.name == ".git" or (folder.name == "repo" and self.is_bare):
            return folder.parent.name.removesuffix(".git").replace("+", "/")
        return folder.name.removesuffix(".git")

    def _find_missing(self) -> set[bytes]:
        """Objects that a partial clone left at its remote, from where nothing is fetched here."""
        if not self.is_partial:
            return set()
        lines = self.lines("rev-list", "--objects", "--missing=print", "--all", self.tip)
        return {bytes.fromhex(line[1:]) for line in lines if line.startswith("?")}


def _split(pieces: Iterable[bytes], separator: bytes) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(separator)
        yield from whole
    if rest:
        yield rest


def text(value: bytes) -> str:
    """What git prints is bytes; those that are no UTF-8 are marked, never refused."""
    return value.decode("utf-8", "replace")


def moment(seconds: bytes | str) -> datetime | None:
    """Git's own seconds; a date beyond the calendar is none."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def groups(tokens: Iterator[bytes], size: int) -> Iterator[tuple[bytes, ...]]:
    """Fields of a format of so many, one record at a time."""
    return zip(*[tokens] * size, strict=False)
