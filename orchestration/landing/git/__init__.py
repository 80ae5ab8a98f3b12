"""`flowgrain land git`: the history of a clone or of a bare repository.

`clone` reads the repository, `log` its commits, `mentions` what a merge says of itself; `changes`
and `releases` tell what was merged and deployed; `arrival` hands rows to the door.
"""

import hashlib
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.errors import FlowgrainError
from orchestration.home import Home
from orchestration.landing.door import Door, Say
from orchestration.landing.git.arrival import Arrival, Landed
from orchestration.landing.git.changes import Stretch, chunks, main_line
from orchestration.landing.git.clone import Clone, groups, moment, text
from orchestration.landing.git.releases import declared_tags, land_releases


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
            arrival = Arrival(door, clone, loaded_to or _loaded_to(clone), done, say)
            _History(arrival).run()
    return done


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
    committed = moment(next(clone.tokens("log", "-1", "-z", "--format=%ct", clone.tip), b""))
    moments += [committed] if committed else []
    return max((moment for moment in moments if moment <= now), default=now)


class _History:
    """What of a repository is new to the door, and the way there."""

    def __init__(self, arrival: Arrival) -> None:
        self.arrival = arrival
        self.clone = arrival.clone
        self.pulls = arrival.clone.pull_heads()
        self.tags = declared_tags(arrival.clone)

    def run(self) -> None:
        """Land what the last complete load does not know."""
        known = self.arrival.door.position(self.clone.name)
        before = json.loads(known) if known else {}
        position = {
            "head": self.clone.tip,
            "pulls": bool(self.pulls) or before.get("pulls", False),
            "tags": _digest(*map(repr, self.tags)),
            "whole": not self.clone.missing,
            "readings": before.get("readings", 0),
        }
        if before == position:
            self.arrival.done.unchanged.append(self.clone.name)
            self.arrival.say(f"{self.clone.name}: unchanged")
        else:
            self.arrival.done.repositories.append(self.clone.name)
            self._land(before, position)
        # A fetch that brought nothing new still tells that nothing happened until then.
        self.arrival.door.arrive(
            self.clone.name, loaded_to=self.arrival.loaded_to, position=json.dumps(position)
        )

    def _land(self, before: dict[str, Any], position: dict[str, Any]) -> None:
        start = before.get("head")
        if start and before["pulls"] != position["pulls"]:
            self.arrival.say(
                f"{self.clone.name}: branches of changes are here now; all is read anew"
            )
            start = None
        elif start and not self.clone.is_on_main_line(str(start)):
            self.arrival.say(f"{self.clone.name}: the main line was rewritten; all is read anew")
            start = None
        elif start and before.get("whole") is False and position["whole"]:
            self.arrival.say(f"{self.clone.name}: its files are here now; all is read anew")
            start = None
        # What was read before is read again, though its digest has landed.
        if before and start is None:
            position["readings"] = int(before.get("readings", 0)) + 1
        salt = str(position["readings"] or "")
        if start != self.clone.tip:
            self._meet_authors()
            self._land_history(str(start) if start else None, salt)
        # A tag that moved or is declared no more leaves nothing behind.
        if (start is None or before.get("tags") != position["tags"]) and (self.tags or before):
            with self.arrival.load(_digest("tags", salt, *map(repr, self.tags))) as load:
                load.forget(self.clone.name, "deployments", "deployment_commits")
                land_releases(self.arrival, load, self.tags)

    def _meet_authors(self) -> None:
        """All accounts are known before the first is keyed, whatever the order of the loads."""
        arguments = ("log", "-z", "--reverse", "--format=%aN%x00%aE%x00%ae", "--stdin")
        heads = [self.clone.tip, *self.pulls.values()]
        for name, email, written in groups(self.clone.tokens(*arguments, revisions=heads), 3):
            self.arrival.accounts.meet(text(name), text(email), text(written))

    def _land_history(self, start: str | None, salt: str) -> None:
        since = f"{start}..{self.clone.tip}" if start else self.clone.tip
        total = int(next(self.clone.lines("rev-list", "--count", "--first-parent", since)))
        behind = (
            int(next(self.clone.lines("rev-list", "--count", "--first-parent", start)))
            if start
            else 0
        )
        read = 0
        for steps in chunks(main_line(self.clone, since)):
            digest = _digest("history", salt, start or "", steps[-1].sha)
            if not self.arrival.door.has_landed(self.clone.name, digest):
                with self.arrival.load(digest) as load:
                    if salt and start is None:
                        load.forget(self.clone.name)
                    Stretch(self.arrival, load, steps, start, self.pulls).land(behind + read)
            start = steps[-1].sha
            read += len(steps)
            self.arrival.say(f"{self.clone.name}: {read:,} of {total:,} commits of the main line")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
