"""`flowgrain land devlake`: the domain layer of a DevLake, from its database or from exports.

`../devlake.yml` says which tables and columns are read. `database` reads a server and `live` lands
what is new of it; `exports` lands files; `rows` types both. What the tables mean is said in
models/vault/staging/devlake/.
"""

from datetime import datetime
from pathlib import Path

from orchestration.errors import FlowgrainError
from orchestration.home import Home
from orchestration.landing.devlake.arrival import SOURCE, Arrival, Landed
from orchestration.landing.devlake.database import ADDRESS_REMEDY, Database
from orchestration.landing.devlake.exports import exports_of, land_exports
from orchestration.landing.devlake.live import land_live
from orchestration.landing.door import Door, Say


def land_devlake(
    home: Home,
    source: str,
    *,
    target: str = "dev",
    loaded_to: datetime | None = None,
    say: Say = lambda line: None,
) -> Landed:
    """Land DevLake's tables from the address of its database, or from a folder of exports.

    A second load of a database reads what DevLake wrote since, and takes out what it has no more. A
    table or column that this DevLake lacks is named, and the rest lands. Raises FlowgrainError
    where the source cannot be read at all, and never with a user or a password in it.
    """
    database = Database(source) if "://" in source else None
    if database is None and not Path(source).is_dir():
        # A mistyped address may hold a password: it is not told again.
        raise FlowgrainError(
            "What was given for DevLake is neither a folder nor the address of a database",
            ADDRESS_REMEDY,
        )
    files = {} if database else exports_of(Path(source))
    with Door(home, SOURCE, target=target) as door:
        arrival = Arrival(door, say)
        if database:
            land_live(arrival, database, loaded_to)
        else:
            land_exports(arrival, files, loaded_to)
        return arrival.done
