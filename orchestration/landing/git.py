"""`flowgrain land git`: the history of a clone or of a bare repository.

The git program reads, not a library: it alone honours mailmap, rename detection, alternates and
every object format alike; pygit2 ships its own subset of that, dulwich finds no renames fast.
"""

import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path
from urllib.parse import urlsplit

from orchestration.errors import FlowgrainError
from orchestration.home import PROJECT, Home
from orchestration.landing import derive
from orchestration.landing.door import Counts, Door, Load
from orchestration.landing.identity import People, canonical

TAG_DEPLOYMENTS = PROJECT / "seeds/mapping/tag_deployments.csv"
# Commits of the main line in one transaction; their side branches come with them.
CHUNK_STEPS = 2_000
BATCH_ROWS = 10_000
RENAME_LIMIT = 1_000
WHOLE = "Run `git fetch --refetch --no-filter` in it, or clone it without --filter"
Say = Callable[[str], None]
Row = dict[str, object]

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
    "LC_ALL": "C",
}
COMMIT_FORMAT = "%H%x00%P%x00%at%x00%ct%x00%aN%x00%aE%x00%ae%x00%B"
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

# How a merge says its number: in words of its own, whose title stands in the body …
MERGE_SUBJECTS = (
    re.compile(r"^Merge pull request #(?P<id>\d+)(?P<in> in \S+)? from (?P<branch>\S+)"),
    re.compile(r"^Merge pull request #(?P<id>\d+)\b"),
    re.compile(r"^Merged in (?P<branch>\S+) \(pull request #(?P<id>\d+)\)"),
    re.compile(r"^Merge PR #?(?P<id>\d+)(?: from (?P<branch>[^\s:,]+))?"),
    re.compile(r"^Auto merge of #(?P<id>\d+)(?: - (?P<branch>[^\s,]+))?"),
)
BORS = re.compile(r"^Merge (?P<ids>#\d+(?:,? #\d+)*)(?:$|[:\s])")
BORS_TITLE = re.compile(r"^(?P<id>\d+): (?P<title>.*?)(?: r=\S+)?(?: a=\S+)?$", re.MULTILINE)
GITLAB = re.compile(r"^See merge request \S*!(?P<id>\d+)\s*$", re.MULTILINE)
GITLAB_BRANCH = re.compile(r"^Merge branch '(?P<branch>[^']+)'")
# … or at the subject's end, or in a trailer.
TITLED_SUBJECTS = (
    re.compile(r"\([#!](?P<id>\d+)\)\s*$"),
    re.compile(r"^Merged PR (?P<id>\d+): "),
)
TRAILER = re.compile(
    r"^(?:PR-URL|Pull-Request|Pull-Request-URL|Merge-Request):\s*(?:\S*[/#!])?(?P<id>\d+)/?\s*$",
    re.IGNORECASE | re.MULTILINE,
)
PULL_REF = re.compile(
    r"^refs/(?:(?:pull|merge-requests)/(?P<id>\d+)/head|pull-requests/(?P<id2>\d+)/from"
    r"|remotes/[^/]+/(?:pr|pull|mr)/(?P<id3>\d+)(?:/head)?)$"
)


@dataclass
class Landed:
    """What one `land git` did, by entity."""

    counts: dict[str, Counts] = field(default_factory=dict)
    repositories: list[str] = field(default_factory=list)
    unchanged_repositories: list[str] = field(default_factory=list)
    # Changes whose number merged a second time, say after a revert: the first merge counts.
    merged_again: dict[str, int] = field(default_factory=dict)
    made_key: bool = False


@dataclass(frozen=True)
class Mention:
    """A change that a commit of the main line says it merges, with its free text."""

    change_id: str
    title: str
    body: str
    branch: str = ""
    is_trailer: bool = False


@dataclass(frozen=True)
class Step:
    """One commit of the main line."""

    sha: str
    parents: list[str]
    committed_at: datetime | None
    mentions: list[Mention]

    @property
    def ids(self) -> list[str]:
        """Numbers of the changes that it merges."""
        return [mention.change_id for mention in self.mentions]

    def goes_on(self, previous: "Step") -> bool:
        """A rebased change is several commits in a row that name the same number."""
        return (
            bool(self.ids)
            and self.ids == previous.ids
            and len(self.parents) < 2
            and (len(previous.parents) < 2)
        )


@dataclass(frozen=True)
class Author:
    """What of a commit decides who made a change and when it began."""

    alias: str
    authored_at: datetime | None
    is_merge: bool


@dataclass(frozen=True)
class Tag:
    """A release tag that is declared to be a deployment."""

    name: str
    commit_sha: str
    finished_at: datetime | None
    pattern: str
    environment: str


def land_git(
    home: Home,
    paths: list[Path],
    *,
    target: str = "dev",
    loaded_to: datetime | None = None,
    name: str | None = None,
    say: Say = lambda line: None,
) -> Landed:
    """Land the history of each repository, and of one landed before only what is new.

    A repository that cannot be read as a whole raises FlowgrainError before any of them lands.
    """
    clones = _open_all(paths, name)
    done = Landed()
    with Door(home, "git", target=target) as door:
        done.made_key = door.made_key
        for clone in clones:
            _Landing(door, clone, loaded_to or _loaded_to(clone), done, say).run()
    return done


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


def name_of_remote(url: str | None) -> str | None:
    """`owner/name` of a remote's address, without host and credentials; None for a local one."""
    if not url:
        return None
    if "://" in url:
        parts = urlsplit(url)
        path = "" if parts.scheme == "file" else parts.path
    else:
        host, colon, path = url.partition(":")
        if not colon or "/" in host or "\\" in path:
            return None
    return path.strip("/").removesuffix(".git").strip("/") or None


def _open_all(paths: list[Path], name: str | None) -> list[Clone]:
    """Every repository is looked at before the first of them lands."""
    if shutil.which("git") is None:
        raise FlowgrainError("The git program is not found", "Install git, then run it again")
    if not paths:
        raise FlowgrainError("No repository was named", "Give the folder of a clone")
    if name and len(paths) > 1:
        raise FlowgrainError("One name was given for several repositories", "Land them one by one")
    clones: dict[str, Clone] = {}
    for path in paths:
        clone = Clone(path, name)
        if other := clones.get(clone.name):
            raise FlowgrainError(
                f"{other.folder} and {path} are both the repository {clone.name}",
                "Give one of them, or land them one by one with --name",
            )
        clones[clone.name] = clone
    return list(clones.values())


def _loaded_to(clone: Clone) -> datetime:
    """When the clone last heard of its remote; a commit dated later than now is no witness."""
    folder = clone.common_folder
    files = [folder / "FETCH_HEAD", folder / "packed-refs"]
    if clone.follows_remote:
        # A local checkout or commit says nothing about the remote.
        files += (folder / "refs" / "remotes").rglob("*")
        files += (folder / "refs" / "pull").rglob("*")
    else:
        files += [folder / "HEAD", *(folder / "refs").rglob("*")]
    now = datetime.now(UTC)
    moments = [datetime.fromtimestamp(p.stat().st_mtime, UTC) for p in files if p.is_file()]
    committed = _moment(next(clone.tokens("log", "-1", "-z", "--format=%ct", clone.tip), b""))
    moments += [committed] if committed else []
    return max((moment for moment in moments if moment <= now), default=now)


def _split(pieces: Iterable[bytes], separator: bytes) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(separator)
        yield from whole
    if rest:
        yield rest


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _moment(seconds: bytes | str) -> datetime | None:
    """Git's own seconds; a date beyond the calendar is none."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def read_mentions(message: str) -> list[Mention]:
    """Changes that a message of the main line says it merges, in the styles of the hosts."""
    subject, _, body = message.strip().partition("\n")
    body = body.strip()
    for pattern in MERGE_SUBJECTS:
        if found := pattern.match(subject):
            return [_titled_by_body(found, subject, body)]
    if found := BORS.match(subject):
        return _bors(found["ids"], subject, body)
    if found := GITLAB.search(body):
        branch = GITLAB_BRANCH.match(subject)
        title = (
            _first_line(body) if branch and not body.startswith("See merge request") else subject
        )
        return [Mention(found["id"], title, body, branch["branch"] if branch else "")]
    for pattern in TITLED_SUBJECTS:
        if found := pattern.search(subject):
            return [Mention(found["id"], subject, body)]
    if trailers := list(TRAILER.finditer(body)):
        return [Mention(trailers[-1]["id"], subject, body, is_trailer=True)]
    return []


def _titled_by_body(found: re.Match[str], subject: str, body: str) -> Mention:
    groups = found.groupdict()
    branch = groups.get("branch") or ""
    if subject.startswith("Merge pull request") and not groups.get("in"):
        branch = branch.partition("/")[2] or branch
    return Mention(found["id"], _first_line(body) or subject, body, branch)


def _bors(ids: str, subject: str, body: str) -> list[Mention]:
    """One merge of several changes; each has its own part of the body, after its title."""
    numbers = list(dict.fromkeys(re.findall(r"\d+", ids)))
    titles = [m for m in BORS_TITLE.finditer(body) if m["id"] in numbers]
    ends = [*(m.start() for m in titles[1:]), len(body)]
    parts = {
        m["id"]: (m["title"], body[m.end() : end].strip())
        for m, end in zip(titles, ends, strict=False)
    }
    return [Mention(number, *parts.get(number, (subject, ""))) for number in numbers]


def _first_line(text: str) -> str:
    return text.partition("\n")[0].strip()


class _Accounts:
    """Declares accounts of one full name to be one person, which can only lower a head count."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._first: dict[str, str] = {}
        self._met: set[tuple[str, str, str]] = set()

    def meet(self, name: str, email: str, written_email: str) -> None:
        """Take one spelling of a person; `written_email` is what mailmap made `email` of."""
        if (name, email, written_email) in self._met:
            return
        self._met.add((name, email, written_email))
        self._are_one(written_email, email)
        words = canonical(name).split()
        if len(words) > 1:
            self._are_one(email, self._first.setdefault(" ".join(words), email))

    def _are_one(self, alias: str, person: str) -> None:
        """The first declaration stays, so whichever is known already draws in the other."""
        if canonical(alias) != canonical(person):
            self._people.declare(alias, person)
            self._people.declare(person, alias)


class _Landing:
    """One repository on its way through the door."""

    def __init__(
        self, door: Door, clone: Clone, loaded_to: datetime, done: Landed, say: Say
    ) -> None:
        self.door = door
        self.clone = clone
        self.repository = clone.name
        self.loaded_to = loaded_to
        self.done = done
        self.say = say
        self.accounts = _Accounts(door.people)
        self.pulls = clone.pull_heads()
        self.tags = _declared_tags(clone)

    def run(self) -> None:
        """Land what the last complete load does not know."""
        known = self.door.position(self.repository)
        before = json.loads(known) if known else {}
        position = {
            "head": self.clone.tip,
            "pulls": bool(self.pulls) or before.get("pulls", False),
            "tags": _digest(*map(repr, self.tags)),
        }
        if before == position:
            self.done.unchanged_repositories.append(self.repository)
            self.say(f"{self.repository}: unchanged")
        else:
            self.done.repositories.append(self.repository)
            self._land(before, position, known or "")
        # A fetch that brought nothing new still tells that nothing happened until then.
        self.door.arrive(self.repository, loaded_to=self.loaded_to, position=json.dumps(position))

    def _land(self, before: Row, position: Row, known: str) -> None:
        start = before.get("head")
        salt = ""
        if start and before["pulls"] != position["pulls"]:
            self.say(f"{self.repository}: branches of changes are here now; all is read anew")
            start, salt = None, known
        elif start and not self.clone.is_on_main_line(str(start)):
            self.say(f"{self.repository}: the main line was rewritten; all is read anew")
            start, salt = None, known
        if start != self.clone.tip:
            self._meet_authors()
            self._land_history(str(start) if start else None, salt)
        if self.tags and before.get("tags") != position["tags"]:
            self._land_tags()

    def _meet_authors(self) -> None:
        """All accounts are known before the first is keyed, whatever the order of the loads."""
        arguments = ("log", "-z", "--reverse", "--format=%aN%x00%aE%x00%ae", self.clone.tip)
        for name, email, written in _groups(self.clone.tokens(*arguments), 3):
            self.accounts.meet(_text(name), _text(email), _text(written))

    def _land_history(self, start: str | None, salt: str) -> None:
        since = f"{start}..{self.clone.tip}" if start else self.clone.tip
        total = int(next(self.clone.lines("rev-list", "--count", "--first-parent", since)))
        read = 0
        for steps in _chunks(_steps(self.clone, since)):
            read += len(steps)
            digest = _digest("history", salt, start or "", steps[-1].sha)
            if not self.door.has_landed(self.repository, digest):
                with self._load(digest) as load:
                    _Chunk(self, load, steps, start).land()
            start = steps[-1].sha
            self.say(f"{self.repository}: {read:,} of {total:,} commits of the main line")

    def _load(self, digest: str) -> "_Counted":
        return _Counted(self, digest)

    def _land_tags(self) -> None:
        with self._load(_digest("tags", *map(repr, self.tags))) as load:
            rows = _Rows(load)
            for pattern in dict.fromkeys(tag.pattern for tag in self.tags):
                self._land_releases(load, rows, [t for t in self.tags if t.pattern == pattern])
            rows.flush()
        self.say(f"{self.repository}: {len(self.tags):,} tags are deployments")

    def _land_releases(self, load: Load, rows: "_Rows", tags: list[Tag]) -> None:
        """What a release ships is what no release before it had; the first ships its commit."""
        earlier: dict[str, str] = {}
        for tag in sorted(tags, key=lambda t: (t.finished_at or self.loaded_to, t.name)):
            deployment = f"{self.repository}@{tag.name}"
            rows.add(
                "deployments",
                deployment_id=deployment,
                repository=self.repository,
                environment=tag.environment,
                result="success",
                commit_sha=tag.commit_sha,
                finished_at=tag.finished_at,
                title=tag.name,
            )
            arguments = (
                "for-each-ref",
                f"--merged={tag.commit_sha}",
                "--format=%(refname:strip=2)",
            )
            has_previous = any(
                name in earlier for name in self.clone.lines(*arguments, "refs/tags")
            )
            new = [tag.commit_sha, *(f"^{sha}" for sha in earlier.values())]
            shipped = (
                set(self.clone.lines("rev-list", "--stdin", revisions=new))
                if has_previous
                else {tag.commit_sha}
            )
            for sha in sorted(shipped):
                rows.add(
                    "deployment_commits",
                    deployment_id=deployment,
                    repository=self.repository,
                    commit_sha=sha,
                )
            # Releases of other lines hold commits that the default branch never saw.
            aside = shipped & set(
                self.clone.lines("rev-list", "--stdin", revisions=[*new, f"^{self.clone.tip}"])
            )
            _land_commits(self, load, sorted(aside), set())
            earlier[tag.name] = tag.commit_sha


class _Counted:
    """A load of the door whose counts go to the result once it is in."""

    def __init__(self, landing: _Landing, digest: str) -> None:
        self._done = landing.done
        self._context = landing.door.load(
            landing.repository,
            origin=landing.repository,
            loaded_to=landing.loaded_to,
            digest=digest,
        )

    def __enter__(self) -> Load:
        self._load = self._context.__enter__()
        return self._load

    def __exit__(self, *error: object) -> None:
        self._context.__exit__(*error)  # type: ignore[arg-type]
        if error[0] is None:
            for entity, counts in self._load.counts.items():
                self._done.counts.setdefault(entity, Counts()).add(counts)


class _Rows:
    """Collects rows of several entities, and hands them on before they are many."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._rows: dict[str, list[Row]] = {}
        self._numbers: dict[str, int] = {}

    def add(self, entity: str, **row: object) -> None:
        """Take one row; its number counts within the load."""
        self._numbers[entity] = self._numbers.get(entity, 0) + 1
        rows = self._rows.setdefault(entity, [])
        rows.append({**row, "_row": self._numbers[entity]})
        if len(rows) >= BATCH_ROWS:
            self._load.dicts(entity, rows)
            self._rows[entity] = []

    def flush(self) -> None:
        """Hand on the rest."""
        for entity, rows in self._rows.items():
            self._load.dicts(entity, rows)
        self._rows = {}


def _land_commits(
    landing: _Landing, load: Load, shas: Iterable[str], mainline: set[str]
) -> dict[str, Author]:
    """Stream commits with their files into a load; keep of each who wrote it and when."""
    rows = _Rows(load)
    authors: dict[str, Author] = {}
    for header, files in _read_all(landing, list(shas)):
        sha, parents, authored, committed, name, email, written, message = map(_text, header)
        landing.accounts.meet(name, email, written)
        alias = email.strip() or name
        parent_count = len(parents.split())
        authors[sha] = Author(alias, _moment(authored), parent_count > 1)
        rows.add(
            "commits",
            repository=landing.repository,
            commit_sha=sha,
            author=alias,
            authored_at=_moment(authored),
            committed_at=_moment(committed),
            parent_count=parent_count,
            is_mainline=sha in mainline,
            message=message,
        )
        for coauthor, is_bot in _coauthors(landing, message, alias):
            rows.add(
                "commit_coauthors",
                repository=landing.repository,
                commit_sha=sha,
                coauthor=coauthor,
                coauthor_is_bot=is_bot,
            )
        for file in files:
            rows.add("commit_files", repository=landing.repository, commit_sha=sha, **file)
    rows.flush()
    return authors


def _read_all(landing: _Landing, shas: list[str]) -> Iterator[tuple[list[bytes], list[Row]]]:
    """Commits with the lines they changed, and without where their files are not here."""
    clone = landing.clone
    poor = _without_content(clone, shas) if clone.missing else set()
    if poor:
        landing.say(
            f"{landing.repository}: {len(poor):,} commits without counts of lines, for it is a "
            f"partial clone. {WHOLE}"
        )
    for log, some in (
        (WITH_LINES, [sha for sha in shas if sha not in poor]),
        (WITHOUT_LINES, [sha for sha in shas if sha in poor]),
    ):
        if some:
            yield from _read_commits(clone.tokens(*COMMIT_LOG, *log, revisions=some))


def _without_content(clone: Clone, shas: list[str]) -> set[str]:
    """Commits that touch a file whose content is missing."""
    found: set[str] = set()
    sha = ""
    tokens = clone.tokens(*COMMIT_LOG, "--no-renames", "--format=%H", revisions=shas)
    for token in tokens if shas else ():
        entry = token.removeprefix(b"\n")
        if not entry.startswith(b":"):
            sha = _text(entry)
            continue
        next(tokens)
        if {bytes.fromhex(_text(name)) for name in entry.split(b" ")[2:4]} & clone.missing:
            found.add(sha)
    return found


def _coauthors(landing: _Landing, message: str, author: str) -> list[tuple[str, bool]]:
    """Further authors, without the author named again; an assistant is no human."""
    found: dict[str, tuple[str, bool]] = {}
    for trailer in derive.COAUTHOR.finditer(message):
        email = trailer["email"]
        landing.accounts.meet(trailer["name"], email, email)
        found.setdefault(canonical(email), (email, bool(derive.ASSISTED.search(trailer[0]))))
    if not found:
        return []
    people = landing.door.people
    own, _ = people.resolve(author)
    return [pair for pair in found.values() if people.resolve(pair[0])[0] not in (own, None)]


def _read_commits(tokens: Iterator[bytes]) -> Iterator[tuple[list[bytes], list[Row]]]:
    """Commits of `git log -z --raw --numstat`: a fixed header, then what it did to each file."""
    token = next(tokens, None)
    while token is not None:
        header = [token, *(next(tokens) for _ in range(COMMIT_FIELDS - 1))]
        files: dict[bytes, Row] = {}
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
        yield header, list(files.values())


def _read_status(entry: bytes, tokens: Iterator[bytes], files: dict[bytes, Row]) -> None:
    kind = entry.rsplit(b" ", 1)[1][:1].decode()
    path = next(tokens)
    previous = None
    if kind in "RC":
        previous, path = path, next(tokens)
    files[path] = {
        "path": _text(path),
        "previous_path": _text(previous) if previous else None,
        "change_type": CHANGE_TYPES.get(kind, "modified"),
        "additions": None,
        "deletions": None,
    }


def _count_lines(file: Row | None, found: re.Match[bytes]) -> None:
    if file is not None and found[1] != b"-":
        file["additions"] = int(found[1])
        file["deletions"] = int(found[2])


def _groups(tokens: Iterator[bytes], size: int) -> Iterator[tuple[bytes, ...]]:
    return zip(*[tokens] * size, strict=False)


def _steps(clone: Clone, since: str) -> Iterator[Step]:
    arguments = ("log", "-z", "--encoding=UTF-8", "--first-parent", "--reverse")
    tokens = clone.tokens(*arguments, "--format=%H%x00%P%x00%ct%x00%B", since)
    for sha, parents, committed, message in _groups(tokens, 4):
        yield Step(
            _text(sha), _text(parents).split(), _moment(committed), read_mentions(_text(message))
        )


def _chunks(steps: Iterator[Step]) -> Iterator[list[Step]]:
    """Pieces of the main line that one transaction takes; a rebased change is not torn apart."""
    chunk: list[Step] = []
    for step in steps:
        if len(chunk) >= CHUNK_STEPS and not step.goes_on(chunk[-1]):
            yield chunk
            chunk = []
        chunk.append(step)
    if chunk:
        yield chunk


@dataclass
class _Merged:
    """A change and the stretch of the main line that merged it."""

    mention: Mention
    first: int
    last: int


class _Chunk:
    """A stretch of the main line with the side branches that it merged."""

    def __init__(self, landing: _Landing, load: Load, steps: list[Step], start: str | None) -> None:
        self.landing = landing
        self.load = load
        self.steps = steps
        self.mainline = {step.sha for step in steps}
        self.changes = self._changes()
        self.parents = self._parents(start)
        self.step_of = self._step_of()

    def land(self) -> None:
        """Commits first, for they tell who made each change."""
        branches = [self._branch(change) for change in self.changes]
        shas = dict.fromkeys(chain(self.step_of, *branches))
        authors = _land_commits(self.landing, self.load, shas, self.mainline)
        rows = _Rows(self.load)
        for change, branch in zip(self.changes, branches, strict=True):
            self._land_change(rows, change, branch, authors)
        rows.flush()

    def _changes(self) -> list[_Merged]:
        """Changes that this stretch merges; a number that merged before is left out."""
        found: dict[str, _Merged] = {}
        again = 0
        for index, step in enumerate(self.steps):
            goes_on = index > 0 and step.goes_on(self.steps[index - 1])
            for mention in step.mentions:
                known = found.get(mention.change_id)
                if known is None:
                    found[mention.change_id] = _Merged(mention, index, index)
                elif goes_on and known.last == index - 1:
                    known.last = index
                elif not goes_on:
                    again += 1
        for change_id in self._merged_before(found):
            again += 1
            del found[change_id]
        if again:
            done, repository = self.landing.done, self.landing.repository
            done.merged_again[repository] = done.merged_again.get(repository, 0) + again
            self.landing.say(
                f"{repository}: {again:,} changes merged again; the first merge counts"
            )
        return list(found.values())

    def _merged_before(self, found: dict[str, _Merged]) -> list[str]:
        rows = self.landing.door.vault.execute(
            "select change_id, merge_commit from raw_git.changes "
            "where repository = ? and list_contains(?, change_id)",
            [self.landing.repository, list(found)],
        ).fetchall()
        clone = self.landing.clone
        return [
            change_id
            for change_id, commit in rows
            if (ours := self.steps[found[change_id].last].sha) != commit
            and commit
            and clone.is_ancestor(commit, ours)
        ]

    def _pull_head(self, change: _Merged) -> str | None:
        return self.landing.pulls.get(change.mention.change_id)

    def _parents(self, start: str | None) -> dict[str, list[str]]:
        """The graph of what is new here, with the branches that squashing left out of it."""
        heads = [head for change in self.changes if (head := self._pull_head(change))]
        revisions = [self.steps[-1].sha, *heads, *([f"^{start}"] if start else [])]
        lines = self.landing.clone.lines(
            "rev-list", "--topo-order", "--parents", "--stdin", revisions=revisions
        )
        graph = {}
        for line in lines:
            sha, *parents = line.split()
            graph[sha] = parents
        return graph

    def _walk(self, heads: Iterable[str], skip: Callable[[str], bool]) -> list[str]:
        """Commits of the graph that heads reach without passing one to skip."""
        found: dict[str, None] = {}
        waiting = list(heads)
        while waiting:
            sha = waiting.pop()
            if sha in self.parents and sha not in found and not skip(sha):
                found[sha] = None
                waiting += self.parents[sha]
        return list(found)

    def _step_of(self) -> dict[str, int]:
        """Which commit of the main line brought each commit in: the first that reaches it."""
        owner: dict[str, int] = {}
        for index, step in enumerate(self.steps):
            for sha in self._walk([step.sha], owner.__contains__):
                owner[sha] = index
        return owner

    def _branch(self, change: _Merged) -> list[str]:
        """Commits that a change consists of, as far as the clone still has them."""
        step = self.steps[change.last]
        if len(step.parents) > 1:
            own = self._walk(self._side_heads(change, step), self._not_of(change.last))
            if own:
                return own
        head = self._pull_head(change)
        branch = self._walk([head], self._not_on_branch(change.first)) if head else []
        return branch or [s.sha for s in self.steps[change.first : change.last + 1]]

    def _not_of(self, index: int) -> Callable[[str], bool]:
        return lambda sha: self.step_of.get(sha) != index

    def _not_on_branch(self, first: int) -> Callable[[str], bool]:
        return lambda sha: sha in self.mainline or self.step_of.get(sha, first) < first

    def _side_heads(self, change: _Merged, step: Step) -> list[str]:
        """Of a merge of several changes, the parent that is this one's."""
        sides = step.parents[1:]
        if len(step.mentions) == 1:
            return sides
        head = self._pull_head(change)
        if head in sides:
            return [str(head)]
        if len(sides) == len(step.mentions):
            return [sides[step.ids.index(change.mention.change_id)]]
        return sides

    def _land_change(
        self, rows: _Rows, change: _Merged, branch: list[str], authors: dict[str, Author]
    ) -> None:
        mention, step = change.mention, self.steps[change.last]
        key = {"repository": self.landing.repository, "change_id": mention.change_id}
        text = {"title": mention.title, "body": mention.body, "branch": mention.branch}
        rows.add(
            "changes",
            **key,
            **text,
            author=self._author(change, branch, authors),
            merged_at=step.committed_at,
            closed_at=step.committed_at,
            merge_commit=step.sha,
            first_commit_at=self._first_commit_at(change, authors),
        )
        for sha in branch:
            rows.add("change_commits", **key, commit_sha=sha)
        for item in derive.linked_work_items(text):
            rows.add("change_work_items", **key, work_item_id=item)

    def _author(self, change: _Merged, branch: list[str], authors: dict[str, Author]) -> str | None:
        """Who wrote it: of a merge its first commit's author, never who merged.

        The host signs a squash in its author's name; one that wrote no commit of the branch is
        taken to have applied it for somebody.
        """
        merge_commit = self.steps[change.last].sha
        written = [authors[sha] for sha in branch if sha in authors]
        written = [author for author in written if not author.is_merge] or written
        if not written:
            return None
        first = min(written, key=_written_at)
        squash = authors[merge_commit]
        is_own = not squash.is_merge and squash.alias in {author.alias for author in written}
        return squash.alias if is_own and change.first == change.last else first.alias

    def _first_commit_at(self, change: _Merged, authors: dict[str, Author]) -> datetime | None:
        """A rebased change keeps its author dates; a squashed one has only the merge's own."""
        steps = self.steps[change.first : change.last + 1]
        merged_at = steps[-1].committed_at
        is_rebase = len(steps) > 1 or change.mention.is_trailer
        if not is_rebase or len(steps[-1].parents) > 1 or merged_at is None:
            return None
        moments = [m for s in steps if (m := authors[s.sha].authored_at) and m < merged_at]
        return min(moments, default=None)


def _written_at(author: Author) -> datetime:
    return author.authored_at or datetime.max.replace(tzinfo=UTC)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def _declared_tags(clone: Clone) -> list[Tag]:
    """Tags that a row of the seed declares to be deployments; the first row that fits counts."""
    with TAG_DEPLOYMENTS.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["repository"] == clone.name]
    if not rows:
        return []
    fields = "refname:strip=2 objecttype objectname *objecttype *objectname taggerdate:unix".split()
    form = "%00".join(
        f"%({name})" for name in [*fields, "committerdate:unix", "*committerdate:unix"]
    )
    tags = []
    for line in clone.lines("for-each-ref", f"--format={form}", "refs/tags"):
        name, kind, sha, inner_kind, inner_sha, tagged, committed, inner_committed = line.split(
            "\0"
        )
        row = next((row for row in rows if fnmatchcase(name, row["tag_pattern"])), None)
        if row is None or "commit" not in (kind, inner_kind):
            continue
        if kind == "tag":
            sha, committed = inner_sha, tagged or inner_committed
        tags.append(Tag(name, sha, _moment(committed), row["tag_pattern"], row["environment"]))
    return tags
