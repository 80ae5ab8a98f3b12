"""Which commits of the history a merged change consists of, who made it and when it began."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

from orchestration.landing import derive
from orchestration.landing.door import Load
from orchestration.landing.git.arrival import Arrival, Rows
from orchestration.landing.git.clone import Clone, groups, moment, text
from orchestration.landing.git.log import Commit
from orchestration.landing.git.mentions import Mention, read_mentions

# Commits of the main line in one transaction; their side branches come with them.
CHUNK_STEPS = 2_000
# Who signs for a host that merges by a button.
HOSTS = ("noreply@github.com", "noreply@gitlab.com")


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


def main_line(clone: Clone, since: str) -> Iterator[Step]:
    """Commits of the main line from the oldest on, with what each says it merges."""
    arguments = ("log", "-z", "--encoding=UTF-8", "--first-parent", "--reverse")
    tokens = clone.tokens(*arguments, "--format=%H%x00%P%x00%ct%x00%B", since)
    for sha, parents, committed, message in groups(tokens, 4):
        yield Step(
            text(sha), text(parents).split(), moment(committed), read_mentions(text(message))
        )


def chunks(steps: Iterator[Step]) -> Iterator[list[Step]]:
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


class Stretch:
    """A stretch of the main line with the side branches that it merged."""

    def __init__(
        self,
        arrival: Arrival,
        load: Load,
        steps: list[Step],
        start: str | None,
        pulls: dict[str, str],
    ) -> None:
        """`start` is the commit before it; `pulls` the last commit of each change's branch."""
        self.arrival = arrival
        self.load = load
        self.steps = steps
        self.pulls = pulls
        self.mainline = {step.sha for step in steps}
        self.changes = self._changes()
        self.parents = self._parents(start)
        self.step_of = self._step_of()

    def land(self, behind: int) -> None:
        """Commits first, for they tell who made each change; the main line has `behind` before."""
        branches = [self._branch(change) for change in self.changes]
        shas = dict.fromkeys(chain(self.step_of, *branches))
        commits = self.arrival.land_commits(self.load, shas, self.mainline)
        rows = Rows(self.load)
        for change, branch in zip(self.changes, branches, strict=True):
            self._land_change(rows, change, branch, commits)
        for sha, index in self.step_of.items():
            key = {"repository": self.arrival.repository, "commit_sha": sha}
            rows.add("mainline_commits", **key, mainline_position=behind + index + 1)
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
            done, repository = self.arrival.done, self.arrival.repository
            done.merged_again[repository] = done.merged_again.get(repository, 0) + again
            self.arrival.say(
                f"{repository}: {again:,} changes merged again; the first merge counts"
            )
        return list(found.values())

    def _merged_before(self, found: dict[str, _Merged]) -> list[str]:
        rows = self.arrival.door.vault.execute(
            "select change_id, merge_commit from raw_git.changes "
            "where repository = ? and list_contains(?, change_id)",
            [self.arrival.repository, list(found)],
        ).fetchall()
        clone = self.arrival.clone
        return [
            change_id
            for change_id, commit in rows
            if (ours := self.steps[found[change_id].last].sha) != commit
            and commit
            and clone.is_ancestor(commit, ours)
        ]

    def _pull_head(self, change: _Merged) -> str | None:
        return self.pulls.get(change.mention.change_id)

    def _parents(self, start: str | None) -> dict[str, list[str]]:
        """The graph of what is new here, with the branches that squashing left out of it."""
        heads = [head for change in self.changes if (head := self._pull_head(change))]
        revisions = [self.steps[-1].sha, *heads, *([f"^{start}"] if start else [])]
        lines = self.arrival.clone.lines(
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
        self, rows: Rows, change: _Merged, branch: list[str], commits: dict[str, Commit]
    ) -> None:
        mention, step = change.mention, self.steps[change.last]
        key = {"repository": self.arrival.repository, "change_id": mention.change_id}
        text = {"title": mention.title, "body": mention.body, "branch": mention.branch}
        rows.add(
            "changes",
            **key,
            **text,
            author=self._author(change, branch, commits),
            merged_at=step.committed_at,
            closed_at=step.committed_at,
            merge_commit=step.sha,
            first_commit_at=self._first_commit_at(change, commits),
        )
        for sha in branch:
            rows.add("change_commits", **key, commit_sha=sha)
        for item in derive.linked_work_items(text):
            rows.add("change_work_items", **key, work_item_id=item)

    def _author(self, change: _Merged, branch: list[str], commits: dict[str, Commit]) -> str | None:
        """Who wrote it: of a merge its first commit's author, never who merged.

        The host writes a squash in the name of who opened the change. One that a person wrote who
        wrote no commit of the branch is taken to have been applied for somebody.
        """
        merge_commit = self.steps[change.last].sha
        written = [commits[sha] for sha in branch if sha in commits]
        written = [author for author in written if not author.is_merge] or written
        if not written:
            return None
        first = min(written, key=_written_at)
        squash = commits[merge_commit]
        resolve = self.arrival.door.people.resolve
        is_own = not squash.is_merge and (
            squash.committer_email in HOSTS
            or resolve(squash.alias) in {resolve(author.alias) for author in written}
        )
        return squash.alias if is_own and change.first == change.last else first.alias

    def _first_commit_at(self, change: _Merged, commits: dict[str, Commit]) -> datetime | None:
        """A rebased change keeps its author dates; a squashed one has only the merge's own."""
        steps = self.steps[change.first : change.last + 1]
        merged_at = steps[-1].committed_at
        is_rebase = len(steps) > 1 or change.mention.is_trailer
        if not is_rebase or len(steps[-1].parents) > 1 or merged_at is None:
            return None
        moments = [m for s in steps if (m := commits[s.sha].authored_at) and m < merged_at]
        return min(moments, default=None)


def _written_at(author: Commit) -> datetime:
    return author.authored_at or datetime.max.replace(tzinfo=UTC)
