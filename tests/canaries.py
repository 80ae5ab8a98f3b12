"""An organisation in which every account, every free text and every id is somebody's canary.

It is the demo's, told anew: people where the contract wants an account or a text of theirs, and in
columns that no contract knows; another word in keys, paths and names of the sources. The first must
not get past the door, the second not past the floor. The labels of its teams, value streams and
systems are texts that something could run, and its commands are given secrets.
"""

import base64
import codecs
import csv
import os
import re
import urllib.parse
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

from orchestration.landing.contract import Column, entities
from orchestration.landing.demo import write_demo, write_organisation

PERSON = "quillon.canary"
THING = "zoecanary"
UNKNOWN = "author_email"
TICKET = re.compile(r"\b[A-Z]+-\d+\b")
# Of the demo's changes: enough for figures of most value streams.
SCALE = 0.3
# What a query, template, shell, formatter, page or screen could take for more than text.
RUNNING = (
    "%(x)s %s {0} {value} in {stage}",
    "'; drop table raw_files.changes; --",
    '"; drop schema door cascade; --',
    "{{ 7*7 }}",
    "{% raw %}{{ env_var('HOME') }}{% endraw %}",
    "{% do run_query('drop schema door cascade') %}",
    "${HOME} $(touch pwned) `touch pwned`",
    "\u202egnirts\u202c \u200fRTL",
    "../../etc/passwd",
    "a\\'b\\",
    "x" * 300,
    "<script>alert(7)</script>",
    "[/bold] [red]:bomb: | `x` |",
)
LABELS = {"value_streams": "value_stream", "teams": "team", "systems": "system"}
PASSWORDS = ("canary-of-devlake-7Q", "canary-of-postgres-9Z")
TOKEN = "T0K3N-canary-of-the-webhook"


def spoken(word: str) -> list[bytes]:
    """Forms in which a word could be written so that a part of it shows wherever it stands."""
    encoded = base64.b64encode(word.encode()).decode()
    whole = encoded[: len(word) // 3 * 4]
    forms = [word, word[::-1], codecs.encode(word, "rot13"), word.encode().hex(), whole]
    return [form.lower().encode() for form in forms]


def secrets(folder: Path) -> dict[str, str]:
    """Variables that hold secrets, of servers that nobody reaches, and a key file in a folder."""
    key = folder / "person.key"
    key.write_bytes(os.urandom(32))
    key.chmod(0o400)
    devlake, published = PASSWORDS
    return {
        "FLOWGRAIN_KEY_FILE": str(key),
        "FLOWGRAIN_DEVLAKE": f"mysql://reader:{devlake}@127.0.0.1:1/lake",
        "FLOWGRAIN_PUBLISHED_TO": f"postgresql://publisher:{published}@127.0.0.1:1/marts",
        "FLOWGRAIN_ALERT_WEBHOOK": f"http://127.0.0.1:1/services/{TOKEN}",
    }


def written(folder: Path) -> set[bytes]:
    """All ways in which those secrets could be written down."""
    given = [(folder / "person.key").read_bytes(), TOKEN.encode()]
    found: set[bytes] = set()
    for secret in (*given, *(password.encode() for password in PASSWORDS)):
        found |= {
            secret, secret.hex().encode(), base64.b64encode(secret).rstrip(b"="),
            urllib.parse.quote(secret).encode(), repr(secret)[2:-1].encode(),
        }  # fmt: skip
    return found


def write(folder: Path) -> None:
    """Write the extract to `files` and the organisation's seeds to `organisation` in a folder."""
    extract = folder / "files"
    write_demo(extract, scale=SCALE)
    for name, entity in entities("files").items():
        _retell(extract / f"{name}.csv", {c.name: c for c in entity.columns.values()})
    _rewrite(extract / "identities.csv", {"alias": _account, "person": _account})
    write_organisation(folder)
    _rewrite(folder / "organisation" / "system_paths.csv", {"repository": _named})
    names = (f"{text} {number}" for number, text in enumerate(cycle(RUNNING)))
    for seed, kind in LABELS.items():
        renamed = {f"{kind}_label": lambda _: next(names)}
        _rewrite(folder / "organisation" / f"{seed}.csv", renamed)


def _account(text: str) -> str:
    return f"{PERSON}.{text}" if text else text


def _named(text: str) -> str:
    return f"{THING}/{text}" if text else text


def _sentence(text: str) -> str:
    return TICKET.sub(_ticket, text) + f" by {PERSON}@shop.invalid"


def _ticket(found: re.Match[str]) -> str:
    return f"{THING.upper()}{found.group()}"


def _id(text: str) -> str:
    return f"{THING.upper()}{text}" if text else text


def _telling(column: Column) -> Callable[[str], str] | None:
    """How a column tells of somebody, where it is not a closed list or a mapped word."""
    if column.type == "person":
        return _account
    if column.type == "free_text":
        return _sentence
    if column.name == "repository":
        return _named
    if column.class_ == "event_id" or column.name in ("workflow", "severity"):
        return _id
    if column.name in ("path", "previous_path"):
        return lambda text: f"{text}.{THING}" if text else text
    return None


def _retell(path: Path, columns: dict[str, Column]) -> None:
    tellings = {name: telling for name in columns if (telling := _telling(columns[name]))}
    _rewrite(path, tellings, UNKNOWN)


def _rewrite(path: Path, tellings: dict[str, Callable[[str], str]], more: str = "") -> None:
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    changes = [tellings.get(name, str) for name in header]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*header, more] if more else header)
        for row in rows:
            told = [change(cell) for change, cell in zip(changes, row, strict=False)]
            # A broken row of the demo is short of cells, and stays so.
            is_whole = bool(more) and len(row) == len(header)
            writer.writerow([*told, f"{PERSON}@shop.invalid"] if is_whole else told)
