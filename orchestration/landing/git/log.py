"""Commits with what they did to each file, streamed from `git log`."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from orchestration.landing.git.clone import WHOLE, Clone, moment, text

RENAME_LIMIT = 1_000
COMMIT_FORMAT = "%H%x00%P%x00%at%x00%ct%x00%aN%x00%aE%x00%ae%x00%ce%x00%B"
COMMIT_FIELDS = COMMIT_FORMAT.count("%x00") + 1
COMMIT_LOG = (
    "log", "-z", "--encoding=UTF-8", "--no-walk=unsorted", "--stdin", "--raw", "--no-abbrev",
    "--no-ext-diff", "--no-textconv", "--no-relative", "--no-color", "--diff-merges=off",
    "--ignore-submodules=none",
)  # fmt: skip
WITH_LINES = ("--numstat", "-M", f"-l{RENAME_LIMIT}", f"--format={COMMIT_FORMAT}")
# Without the content of files, only those moved unchanged are seen to be renamed.
WITHOUT_LINES = ("-M100%", f"--format={COMMIT_FORMAT}")
CHANGE_TYPES = {"A": "added", "D": "deleted", "R": "renamed", "C": "copied"}
NUMSTAT = re.compile(rb"^(\d+|-)\t(\d+|-)\t")
File = dict[str, object]


@dataclass(frozen=True)
class Commit:
    """A commit; `written_email` is what mailmap made `email` of."""

    sha: str
    parents: list[str]
    authored_at: datetime | None
    committed_at: datetime | None
    name: str
    email: str
    written_email: str
    committer_email: str
    message: str
    files: list[File]

    @property
    def alias(self) -> str:
        """What the author is keyed by."""
        return self.email.strip() or self.name

    @property
    def is_merge(self) -> bool:
        """Whether it joins branches, and so is no work of its own."""
        return len(self.parents) > 1


def read_commits(clone: Clone, shas: list[str], say: Callable[[str], None]) -> Iterator[Commit]:
    """Commits with the lines they changed, and without where their files are not here."""
    poor = _without_content(clone, shas) if clone.missing else set()
    if poor:
        say(
            f"{clone.name}: {len(poor):,} commits without counts of lines, for it is a partial "
            f"clone. {WHOLE}"
        )
    for log, some in (
        (WITH_LINES, [sha for sha in shas if sha not in poor]),
        (WITHOUT_LINES, [sha for sha in shas if sha in poor]),
    ):
        if some:
            yield from _parse(clone.tokens(*COMMIT_LOG, *log, revisions=some))


def _without_content(clone: Clone, shas: list[str]) -> set[str]:
    """Commits that touch a file whose content is missing."""
    found: set[str] = set()
    sha = ""
    tokens = clone.tokens(*COMMIT_LOG, "--no-renames", "--format=%H", revisions=shas)
    for token in tokens if shas else ():
        entry = token.removeprefix(b"\n")
        if not entry.startswith(b":"):
            sha = text(entry)
            continue
        next(tokens)
        if {bytes.fromhex(text(name)) for name in entry.split(b" ")[2:4]} & clone.missing:
            found.add(sha)
    return found


def _parse(tokens: Iterator[bytes]) -> Iterator[Commit]:
    """Commits of `git log -z --raw --numstat`: a fixed header, then what it did to each file."""
    token = next(tokens, None)
    while token is not None:
        header = [token, *(next(tokens) for _ in range(COMMIT_FIELDS - 1))]
        files: dict[bytes, File] = {}
        token = next(tokens, None)
        while token is not None:
            # The message and the first file are parted by an empty line.
            entry = token.removeprefix(b"\n")
            if entry.startswith(b":"):
                _read_status(entry, tokens, files)
            elif found := NUMSTAT.match(entry):
                path = entry[found.end() :]
                if not path:
                    next(tokens)
                    path = next(tokens)
                _count_lines(files.get(path), found)
            else:
                break
            token = next(tokens, None)
        sha, parents, authored, committed, name, email, written, committer, message = map(
            text, header
        )
        yield Commit(
            sha, parents.split(), moment(authored), moment(committed), name, email, written,
            committer, message, list(files.values()),
        )  # fmt: skip


def _read_status(entry: bytes, tokens: Iterator[bytes], files: dict[bytes, File]) -> None:
    kind = entry.rsplit(b" ", 1)[1][:1].decode()
    path = next(tokens)
    previous = None
    if kind in "RC":
        previous, path = path, next(tokens)
    files[path] = {
        "path": text(path),
        "previous_path": text(previous) if previous else None,
        "change_type": CHANGE_TYPES.get(kind, "modified"),
        "additions": None,
        "deletions": None,
    }


def _count_lines(file: File | None, found: re.Match[bytes]) -> None:
    if file is not None and found[1] != b"-":
        file["additions"] = int(found[1])
        file["deletions"] = int(found[2])
