"""Connections that are over: what they brought stays, and nobody waits for more."""

from contextlib import closing

from orchestration.errors import FlowgrainError
from orchestration.home import Home
from orchestration.landing.vault import open_vault, plain_errors


def disconnect(home: Home, source: str, connection: str) -> None:
    """Wait no longer for a connection, which holds every week open; landing it connects it anew.

    Where its last load ended is kept: landed anew it goes on from there.

    Raises FlowgrainError where there is none of that name, and of the last one: up to when the data
    reach would be said by none.
    """
    if not home.vault.exists():
        raise FlowgrainError("Nothing has landed yet", "Land your sources first")
    with home.writing(), plain_errors(home), closing(open_vault(home)) as vault:
        known = vault.execute(
            "select source, connection from door.connections where loaded_to is not null"
        ).fetchall()
        if (source, connection) not in known:
            raise FlowgrainError(
                f"{source} has no connection of that name",
                "`flowgrain doctor` prints the names of those that are behind",
            )
        if len(known) == 1:
            raise FlowgrainError(
                "It is the only connection: without it no week closes at all",
                "Land what comes in its place first",
            )
        vault.execute(
            "update door.connections set loaded_to = null where source = ? and connection = ?",
            [source, connection],
        )
