"""Which changes a commit of the main line says it merges, in the styles of the hosts."""

import re
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Mention:
    """A change that a commit of the main line says it merges, with its free text."""

    change_id: str
    title: str
    body: str
    branch: str = ""
    is_trailer: bool = False


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
