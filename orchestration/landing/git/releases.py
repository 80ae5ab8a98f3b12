"""Release tags that are declared to be deployments, and the commits that each brought."""

import csv
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from orchestration.home import PROJECT
from orchestration.landing.door import Load
from orchestration.landing.git.arrival import Arrival, Rows
from orchestration.landing.git.clone import Clone, moment

TAG_DEPLOYMENTS = PROJECT / "seeds/mapping/tag_deployments.csv"


@dataclass(frozen=True)
class Tag:
    """A release tag that is declared to be a deployment."""

    name: str
    commit_sha: str
    finished_at: datetime | None
    pattern: str
    environment: str


def declared_tags(clone: Clone) -> list[Tag]:
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
        tags.append(Tag(name, sha, moment(committed), row["tag_pattern"], row["environment"]))
    return tags


def land_releases(arrival: Arrival, load: Load, tags: list[Tag]) -> None:
    """Land declared tags; those of one pattern follow each other, apart from all others."""
    rows = Rows(load)
    for pattern in dict.fromkeys(tag.pattern for tag in tags):
        _land_line(arrival, load, rows, [tag for tag in tags if tag.pattern == pattern])
    rows.flush()
    arrival.say(f"{arrival.repository}: {len(tags):,} tags are deployments")


def _land_line(arrival: Arrival, load: Load, rows: Rows, tags: list[Tag]) -> None:
    """What a release ships is what no release before it had; the first ships its commit."""
    clone = arrival.clone
    earlier: dict[str, str] = {}
    for tag in sorted(tags, key=lambda t: (t.finished_at or arrival.loaded_to, t.name)):
        deployment = f"{arrival.repository}@{tag.name}"
        rows.add(
            "deployments",
            deployment_id=deployment,
            repository=arrival.repository,
            environment=tag.environment,
            result="success",
            commit_sha=tag.commit_sha,
            finished_at=tag.finished_at,
            title=tag.name,
        )
        merged = clone.lines(
            "for-each-ref", f"--merged={tag.commit_sha}", "--format=%(refname:strip=2)", "refs/tags"
        )
        has_previous = any(name in earlier for name in merged)
        new = [tag.commit_sha, *(f"^{sha}" for sha in earlier.values())]
        shipped = {tag.commit_sha}
        if has_previous:
            shipped = set(clone.lines("rev-list", "--stdin", revisions=new))
        for sha in sorted(shipped):
            rows.add(
                "deployment_commits",
                deployment_id=deployment,
                repository=arrival.repository,
                commit_sha=sha,
            )
        # Releases of other lines hold commits that the default branch never saw.
        aside = clone.lines("rev-list", "--stdin", revisions=[*new, f"^{clone.tip}"])
        arrival.land_commits(load, sorted(shipped & set(aside)), set())
        earlier[tag.name] = tag.commit_sha
