"""A repository on its way through the door, and what is told of it at the end."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from orchestration.landing import derive
from orchestration.landing.door import Door, Landing, Load, Say
from orchestration.landing.git.clone import Clone
from orchestration.landing.git.log import Commit, read_commits
from orchestration.landing.identity import People, canonical

BATCH_ROWS = 10_000
Row = dict[str, object]


@dataclass
class Landed(Landing):
    """What one `land git` did, by entity."""

    repositories: list[str] = field(default_factory=list)
    # Changes whose number merged a second time, say after a revert: the first merge counts.
    merged_again: dict[str, int] = field(default_factory=dict)


class Accounts:
    """Declares accounts of one full name to be one person, which can only lower a head count."""

    def __init__(self, people: People) -> None:
        """Declare to the door's people, who keep what is known."""
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
        if canonical(alias) != canonical(person):
            self._people.join(alias, person)


class Rows:
    """Collects rows of several entities, and hands them on before they are many."""

    def __init__(self, load: Load) -> None:
        """Collect for one load."""
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


class Arrival:
    """What landing one repository needs at every step: the door, the clone, who was met."""

    def __init__(
        self, door: Door, clone: Clone, loaded_to: datetime, done: Landed, say: Say
    ) -> None:
        """Nothing is read or written yet."""
        self.door = door
        self.clone = clone
        self.repository = clone.name
        self.loaded_to = loaded_to
        self.done = done
        self.say = say
        self.accounts = Accounts(door.people)

    @contextmanager
    def load(self, digest: str) -> Iterator[Load]:
        """One transaction of the door, whose counts go to the result once it is in."""
        with self.door.load(
            self.repository, origin=self.repository, loaded_to=self.loaded_to, digest=digest
        ) as load:
            yield load
        self.done.add(load)

    def land_commits(
        self, load: Load, shas: Iterable[str], mainline: set[str]
    ) -> dict[str, Commit]:
        """Stream commits with their files into a load; keep who wrote each and when."""
        rows = Rows(load)
        commits: dict[str, Commit] = {}
        for commit in read_commits(self.clone, list(shas), self.say):
            self.accounts.meet(commit.name, commit.email, commit.written_email)
            key = {"repository": self.repository, "commit_sha": commit.sha}
            rows.add(
                "commits",
                **key,
                author=commit.alias,
                authored_at=commit.authored_at,
                committed_at=commit.committed_at,
                parent_count=len(commit.parents),
                is_mainline=commit.sha in mainline,
                message=commit.message,
            )
            for coauthor, is_bot in self._coauthors(commit):
                rows.add("commit_coauthors", **key, coauthor=coauthor, coauthor_is_bot=is_bot)
            for file in commit.files:
                rows.add("commit_files", **key, **file)
            commits[commit.sha] = replace(commit, message="", files=[])
        rows.flush()
        return commits

    def _coauthors(self, commit: Commit) -> list[tuple[str, bool]]:
        """Further authors, without the author named again; an assistant is no human."""
        found: dict[str, tuple[str, bool]] = {}
        for trailer in derive.COAUTHOR.finditer(commit.message):
            email = trailer["email"]
            self.accounts.meet(trailer["name"], email, email)
            found.setdefault(canonical(email), (email, bool(derive.ASSISTED.search(trailer[0]))))
        if not found:
            return []
        people = self.door.people
        own, _ = people.resolve(commit.alias)
        return [pair for pair in found.values() if people.resolve(pair[0])[0] not in (own, None)]
