"""People become keys here, and nowhere else (rules K02 to K05 of the grain floor)."""

import base64
import csv
import ctypes
import hashlib
import hmac
import os
import re
import resource
import secrets
import sys
import unicodedata
from pathlib import Path

from orchestration.errors import FlowgrainError
from orchestration.home import PROJECT, Home

TENANT = "flowgrain"
EPOCH = "1"
KEY_BYTES = 32
# A published HMAC-SHA-256 test case (RFC 4231, case 2): a broken library must not key anyone.
SELF_TEST = (
    b"Jefe",
    b"what do ya want for nothing?",
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
)
# linux/prctl.h
PR_SET_DUMPABLE = 4
NO_REPLY = re.compile(r"^(?:\d+\+)?(?P<login>[^@]+)@users\.noreply\.[^@]+$")


def canonical(alias: str) -> str:
    """One spelling per account: case, width, invisible characters and no-reply forms folded."""
    text = unicodedata.normalize("NFKC", alias)
    text = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Cc"))
    text = text.strip().casefold()
    match = NO_REPLY.match(text)
    return match["login"] if match else text


class Pepper:
    """The secret behind the keys; it stays in the door's process."""

    def __init__(self, secret: bytes) -> None:
        """Refuse what is no secret; `key_id` names it without telling it."""
        key, message, expected = SELF_TEST
        if hmac.new(key, message, hashlib.sha256).hexdigest() != expected:
            raise FlowgrainError("HMAC-SHA-256 fails its self-test", "Repair Python", rule="K02")
        if len(secret) < KEY_BYTES or len(set(secret)) < 8:
            raise FlowgrainError(
                "The key file holds no key",
                f"Give at least {KEY_BYTES} random bytes, e.g. `openssl rand 32 > FILE`",
                rule="K03",
            )
        self._secret = secret
        self.key_id = hmac.new(secret, b"kid", hashlib.sha256).hexdigest()[:8]

    def key_of(self, person: str) -> str:
        """Key of a person: the same for each of their accounts, useless without the secret."""
        digest = hmac.new(self._secret, f"{TENANT}|{person}".encode(), hashlib.sha256).digest()
        return f"p{EPOCH}" + base64.b32encode(digest).decode().lower()[:26]


def open_pepper(home: Home, *, target: str) -> tuple[Pepper, bool]:
    """Read the key file; make one where there is none and the target is not prod.

    Returns the pepper and whether it was made now. Raises FlowgrainError (K03).
    """
    given = os.environ.get("FLOWGRAIN_KEY_FILE")
    path = Path(given) if given else home.door / "person.key"
    if target == "prod" and not given:
        raise FlowgrainError(
            "target prod needs a given key",
            "Set FLOWGRAIN_KEY_FILE to a file of 32 random bytes that only the loader may read",
            rule="K03",
        )
    made = False
    if not path.exists() and not given:
        home.prepare()
        made = _make_key(path)
    try:
        if path.stat().st_mode & 0o077:
            raise FlowgrainError(
                f"The key file {path} can be read by others", f"chmod 0400 {path}", rule="K03"
            )
        _leave_no_core()
        return Pepper(path.read_bytes()), made
    except OSError as error:
        raise FlowgrainError(
            f"The key file {path} cannot be read ({error.strerror})",
            "Set FLOWGRAIN_KEY_FILE to a file of 32 random bytes",
            rule="K03",
        ) from None


def _leave_no_core() -> None:
    """A process that crashes must not leave its memory on disk, for the secret is in it."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))
    if sys.platform == "linux":
        # Where the system hands cores to a program, no limit holds.
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0)


def _make_key(path: Path) -> bool:
    """Make a key that is whole once it has its name; False where another landing was first."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
    try:
        os.link(aside, path)
    except FileExistsError:
        return False
    finally:
        aside.unlink()
    return True


class People:
    """Who is behind an account, and which accounts are no people.

    The map of aliases lives in `door/identities.csv` and never leaves the door. A person counts as
    one only when an account of theirs is declared: an account that a source brings along may be
    anybody's second one.
    """

    def __init__(self, home: Home, pepper: Pepper) -> None:
        """Read the map and the patterns of bots and of accounts that belong to nobody."""
        self._path = home.door / "identities.csv"
        self._pepper = pepper
        self._person_of: dict[str, str] = {}
        self._declared: set[str] = set()
        self._known: dict[str, tuple[str | None, bool]] = {}
        self.has_changed = False
        if self._path.exists():
            with self._path.open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            self._person_of = {row["alias"]: row["person"] for row in rows}
            self._declared = {row["alias"] for row in rows if row.get("is_declared") == "1"}
        self._patterns: dict[str, re.Pattern[str]] = {}
        with (PROJECT / "seeds/mapping/bot_patterns.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        for number, row in enumerate(rows, 1):
            try:
                re.compile(row["pattern"])
            except re.error:
                raise FlowgrainError(
                    f"seeds/mapping/bot_patterns.csv: row {number}, column pattern is no "
                    "regular expression",
                    r"Put a \ before each mark that is meant as it stands",
                ) from None
        for kind in ("bot", "nobody"):
            alternatives = [row["pattern"] for row in rows if row["kind"] == kind]
            self._patterns[kind] = re.compile("|".join(f"(?:{p})" for p in alternatives))

    @property
    def declared_count(self) -> int:
        """Accounts of which somebody said whose they are."""
        return len(self._declared)

    def declare(self, alias: str, person: str) -> None:
        """Say that an account is this person's; the first declaration of an account stays."""
        alias, person = canonical(alias), canonical(person)
        if alias and person and alias not in self._declared:
            self.join(alias, person)
            self._declared.add(alias)
            self.has_changed = True

    def join(self, one: str, other: str) -> None:
        """Say that two accounts are one person, and with them all that either is known to be.

        Whoever was keyed before keeps the key: rows that are in already hold it.
        """
        one, other = canonical(one), canonical(other)
        if not one or not other:
            return
        person = self._person_of.get(one) or self._person_of.get(other) or other
        absorbed = self._person_of.get(other, person)
        if self._person_of.get(one) == self._person_of.get(other) == person:
            return
        self.has_changed = True
        self._person_of[one] = self._person_of[other] = person
        if absorbed != person:
            # Rows may hold its key, so it stays known.
            self._person_of.setdefault(absorbed, person)
            for alias, known in self._person_of.items():
                if known == absorbed:
                    self._person_of[alias] = person
            self._known.clear()

    def join_own(self, other: str, login: str) -> None:
        """Join an address or id and an account, unless one is shared by many or a bot's."""
        names = [canonical(other), canonical(login)]
        shared = any(p.search(name) for p in self._patterns.values() for name in names)
        if all(names) and not shared and names[0] != names[1]:
            self.join(other, login)

    def resolve(self, alias: str | None) -> tuple[str | None, bool]:
        """Key of the person behind an account and whether it is a bot; no key for nobody."""
        if not alias:
            return None, False
        if alias not in self._known:
            name = canonical(alias)
            if not name or self._patterns["nobody"].search(name):
                self._known[alias] = (None, False)
            else:
                self.has_changed |= name not in self._person_of
                person = self._person_of.setdefault(name, name)
                self._known[alias] = (
                    self._pepper.key_of(person),
                    bool(self._patterns["bot"].search(name)),
                )
        return self._known[alias]

    def keys(self) -> list[tuple[str, str, bool]]:
        """Each key that rows may hold, the key of the same person now, and if they are resolved.

        Accounts that were found to be one person's after their rows had landed are one in these.
        """
        resolved = {self._person_of[alias] for alias in self._declared}
        return sorted(
            (self._pepper.key_of(alias), self._pepper.key_of(person), person in resolved)
            for alias, person in self._person_of.items()
        )

    def undeclared(self) -> list[tuple[str, str]]:
        """Accounts of whom nobody said whose they are, and the account that stands for the person.

        Bots and accounts of nobody are not among them.
        """
        resolved = {self._person_of[alias] for alias in self._declared}
        return sorted(
            (alias, person)
            for alias, person in self._person_of.items()
            if person not in resolved and not any(p.search(alias) for p in self._patterns.values())
        )

    def save(self) -> None:
        """Keep the map, whole or not at all."""
        next_path = self._path.with_suffix(".next")
        descriptor = os.open(next_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("alias", "person", "is_declared"))
            writer.writerows(
                (alias, person, int(alias in self._declared))
                for alias, person in sorted(self._person_of.items())
            )
        next_path.replace(self._path)
        self.has_changed = False
