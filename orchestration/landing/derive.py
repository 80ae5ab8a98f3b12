"""What metrics need of free text, derived at the door so that the text itself never passes."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

Text = Mapping[str, str | None]

# Texts are long and anybody's: a pattern must not try the same blanks twice.
HOTFIX = re.compile(r"(?:^|[\s;:\[(/_-])hot-?fix(?:$|[\s;:\])/_-])", re.IGNORECASE)
ROLLBACK = re.compile(r"\broll(?:ed|ing|s)?[ -]?back\b|\brevert(?:s|ed|ing)?\b", re.IGNORECASE)
ASSISTED = re.compile(
    r"^[ \t]*(?:co-authored-by|generated[- ]by|assisted[- ]by)\s*:.*"
    r"\b(?:copilot|claude|cursor|codex|chatgpt|devin|gemini|aider|windsurf|amazon q|jules"
    r"|openhands)\b"
    r"|generated with \[?(?:claude code|copilot|cursor|codex|aider)",
    re.IGNORECASE | re.MULTILINE,
)
REVERTS_COMMIT = re.compile(
    r"^[ \t]*(?:this\s+)?(?:reverts|reverting)\s+(?:commits?\s+)?(?P<sha>[0-9a-f]{7,40})\b",
    re.IGNORECASE | re.MULTILINE,
)
IS_REVERT = re.compile(r"^\s*(?:back ?out|revert)(?:s|ed|ing)?\b[\s:\"'“]", re.IGNORECASE)
REVERTS_CHANGE = re.compile(
    r"(?:^|\n)[ \t]*(?:this\s+)?revert(?:s|ing)?\s+"
    r"(?:[\w.-]{1,100}/[\w.-]{1,100})?(?:(?:pr|pull request|merge request)\s*)?[#!](?P<id>\d+)",
    re.IGNORECASE,
)
QUOTED_REVERT = re.compile(r"^\s*revert\b.*\(#(?P<id>\d+)\)[\"”']", re.IGNORECASE)
# The branch that GitHub's button makes for the revert of a change.
REVERT_BRANCH = re.compile(r"^(?:\S+/)?revert-(?P<id>\d+)-")
WORK_ITEM = re.compile(
    r"(?<![A-Za-z0-9/_-])(?P<key>[A-Z][A-Z0-9]{1,9}-[1-9]\d{0,6})(?![A-Za-z0-9-])"
)
CLOSES_ISSUE = re.compile(
    r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)\s?:?\s{1,9}#(?P<id>\d+)\b", re.IGNORECASE
)
# Names of standards look like tracker keys.
NO_WORK_ITEM = re.compile(r"^(?:UTF|ISO|SHA|RFC|CVE|PEP|TLS|AES|MD|HTTP|BASE|WIP|CP|GPT)-")
ADDRESS = re.compile(r"/repos/(?P<repository>[^/]+/[^/]+)/(?:pulls|issues)/(?P<number>\d+)$")
COAUTHOR = re.compile(
    r"^[ \t]*co-authored-by:(?P<name>[^<\n]*)<(?P<email>[^>\s]+)>", re.IGNORECASE | re.MULTILINE
)
OUTCOME = re.compile(
    r"\b(?:expected|anticipated|desired|target) (?:outcome|result|impact|benefit)s?\b"
    r"|\bso that\b|\bhypothesis\b|\bwe (?:expect|believe)\b|\bsuccess (?:metric|criteri)",
    re.IGNORECASE,
)


def _joined(row: Text, *names: str) -> str:
    return "\n".join(text for name in names if (text := row.get(name)))


def change(row: Text) -> dict[str, object]:
    """Derived columns of a change: from its title, body, branch and labels."""
    title = row.get("title") or ""
    reverted = (
        REVERTS_CHANGE.search(_joined(row, "title", "body"))
        or QUOTED_REVERT.search(title)
        or REVERT_BRANCH.search(row.get("branch") or "")
    )
    return {
        "is_hotfix": bool(HOTFIX.search(_joined(row, "title", "branch", "labels"))),
        "is_assisted": bool(ASSISTED.search(row.get("body") or "")),
        "reverts_change_id": reverted["id"] if reverted else None,
    }


def commit(row: Text) -> dict[str, object]:
    """Derived columns of a commit: from its message."""
    message = row.get("message") or ""
    reverted = REVERTS_COMMIT.search(message)
    return {
        "is_assisted": bool(ASSISTED.search(message)),
        "is_revert": bool(reverted or IS_REVERT.search(message)),
        "reverts_commit_sha": reverted["sha"].lower() if reverted else None,
    }


def work_item(row: Text) -> dict[str, object]:
    """Derived columns of a tracker item: whether it states an outcome it is expected to have."""
    return {"states_outcome": bool(OUTCOME.search(_joined(row, "title", "body")))}


def deployment(row: Text) -> dict[str, object]:
    """Derived columns of a deployment: from its title."""
    title = row.get("title") or ""
    return {"is_hotfix": bool(HOTFIX.search(title)), "is_rollback": bool(ROLLBACK.search(title))}


def linked_work_items(row: Text) -> list[str]:
    """Tracker keys that a change names: `PAY-12`, or `#9` after a closing word."""
    # A branch is a path (`feature/PAY-12`); elsewhere a slash stands before names that are no keys.
    text = "\n".join((_joined(row, "title", "body"), (row.get("branch") or "").replace("/", " ")))
    keys = [m["key"] for m in WORK_ITEM.finditer(text) if not NO_WORK_ITEM.match(m["key"])]
    keys += [f"#{m['id']}" for m in CLOSES_ISSUE.finditer(text)]
    return sorted(set(keys))


def mentions(rows: Iterable[Mapping[str, Any]], *key: str) -> list[dict[str, object]]:
    """One row per tracker key that a change's text names: the change's own key and that one."""
    return [
        {**{name: str(row[name]) for name in key}, "work_item_id": item, "_row": row["_row"]}
        for row in rows
        if all(row[name] for name in key)
        for item in linked_work_items(row)
    ]


def name_of_remote(url: str | None) -> str | None:
    """`owner/name` of a remote's address, without host and credentials; None for a local one."""
    if not url:
        return None
    if "://" in url:
        try:
            parts = urlsplit(url)
        except ValueError:
            return None
        path = "" if parts.scheme == "file" else parts.path
    else:
        host, colon, path = url.partition(":")
        if not colon or "/" in host or "\\" in path:
            return None
    return path.strip("/").removesuffix(".git").strip("/") or None


def host_of(url: str | None) -> str | None:
    """Host of an address, without credentials; None where it has none."""
    try:
        return urlsplit(url or "").hostname
    except ValueError:
        return None


def pull_request(row: Text) -> dict[str, object]:
    """Derived columns of a pull request: those of a change, whose texts have other names here."""
    body = row.get("body") or row.get("description")
    return change({**row, "body": body, "branch": row.get("head_ref")})


def numbered(row: Text) -> dict[str, object]:
    """Repository and number of a pull request or issue, from its address in GitHub's API."""
    found = ADDRESS.search(row.get("pull_request") or row.get("issue") or "")
    return found.groupdict() if found else {"repository": None, "number": None}


def label(row: Text) -> dict[str, object]:
    """Derived columns of a label."""
    return {"is_hotfix": bool(HOTFIX.search(row.get("label_name") or ""))}


def repository(row: Text) -> dict[str, object]:
    """Name of a repository as every source tells it: from its address, else what it is called."""
    url = row.get("url") or row.get("repo_url")
    return {"repository": name_of_remote(url) or row.get("name") or url}


def run(row: Text) -> dict[str, object]:
    """Derived columns of DevLake's pipelines and deployments: from what they are called."""
    called = {"title": _joined(row, "display_title", "name")}
    return {**repository({"repo_url": row.get("repo_url")}), **deployment(called)}


def issue(row: Text) -> dict[str, object]:
    """Derived columns of DevLake's issues and incidents."""
    text = {"title": row.get("title"), "body": row.get("description")}
    return {"instance": host_of(row.get("url")), **work_item(text)}


# By the name that an entity's page gives, as `derived_by`.
DERIVE = {
    function.__name__: function
    for function in (
        change,
        commit,
        work_item,
        deployment,
        pull_request,
        numbered,
        label,
        repository,
        run,
        issue,
    )
}
