"""`flowgrain accounts` and `flowgrain land accounts`: whose the accounts are that sources bring."""

import csv
import os
from pathlib import Path

from orchestration.errors import FlowgrainError
from orchestration.home import Home
from orchestration.landing.door import Door

# In a folder of the contract; the same columns as a file of accounts.
IDENTITIES = "identities.csv"
COLUMNS = ("alias", "person")


def land_accounts(home: Home, path: Path, *, target: str = "dev") -> tuple[int, int]:
    """Declare whose the accounts of a file are; return how many it names and how many are new.

    The file has the columns alias and person. Raises FlowgrainError where it cannot be read.
    """
    accounts = read_accounts(path)
    with Door(home, "files", target=target) as door:
        before = door.people.declared_count
        declare(door, accounts)
        return len(accounts), door.people.declared_count - before


def draft_accounts(home: Home, *, target: str = "dev") -> tuple[Path, int]:
    """Write behind the door which accounts nobody declared; return the file and their number.

    Where there are none no file is written. Raises FlowgrainError where an earlier draft lies
    there, which somebody may have edited.
    """
    path = home.door / "accounts.csv"
    if path.exists():
        raise FlowgrainError(f"{path} is there already", "Land it and delete it, then draft anew")
    with Door(home, "files", target=target) as door:
        accounts = door.people.undeclared()
    if not accounts:
        return path, 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *accounts])
    return path, len(accounts)


def declare(door: Door, accounts: list[tuple[str, str]]) -> None:
    """Say whose the accounts are, and keep it."""
    for alias, person in accounts:
        door.people.declare(alias, person)
    door.keep_people()


def read_accounts(path: Path) -> list[tuple[str, str]]:
    """Read accounts and whose they are; raise FlowgrainError that names the row and its field."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if not set(COLUMNS) <= set(reader.fieldnames or ()):
                raise FlowgrainError(f"{path} lacks a column", "It needs the columns alias, person")
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error):
        raise FlowgrainError(
            f"{path} cannot be read", "Give a CSV file in UTF-8 with the columns alias, person"
        ) from None
    for number, row in enumerate(rows, start=1):
        for name in COLUMNS:
            if not (row[name] or "").strip():
                raise FlowgrainError(
                    f"{path}: row {number}, column {name} is empty",
                    "Name the account and its person, or delete the row",
                )
    return [(row["alias"], row["person"]) for row in rows]
