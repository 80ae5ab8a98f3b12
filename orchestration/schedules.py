"""When Dagster lands, builds and releases: jobs, schedules, and the sensor on what has landed."""

from datetime import UTC

import dagster as dg

from orchestration import assets
from orchestration.errors import BusyError
from orchestration.home import Home
from orchestration.landing.vault import read_vault

LANDINGS = {
    "files": assets.files,
    "github": assets.github,
    "devlake": assets.devlake,
    "git": assets.git,
}
MODELS = dg.AssetSelection.assets(assets.models) | dg.AssetSelection.checks(
    assets.sources_are_fresh
)

landings = [
    dg.define_asset_job(
        f"landing_of_{source}",
        selection=dg.AssetSelection.assets(landing, assets.books),
        description=f"Lands what {source} has new, and counts the door's books.",
    )
    for source, landing in LANDINGS.items()
]
build = dg.define_asset_job(
    "build_models", selection=MODELS, description="Builds and tests every model; releases nothing."
)
build_and_release = dg.define_asset_job(
    "build_and_release",
    selection=MODELS | dg.AssetSelection.assets(assets.release),
    description="Builds and tests every model of what has landed, and lets the gate release.",
)

# Off the full hour, at which everybody asks; one after the other, since the vault has one writer.
hourly = [
    dg.ScheduleDefinition(
        name=f"hourly_{job.name}",
        job=job,
        cron_schedule=f"{7 + 10 * number} * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    for number, (source, job) in enumerate(zip(LANDINGS, landings, strict=True))
    if source in assets.CONNECTED
]

# A week ends on Sunday and closes three days later: Thursday morning is the first time at which it
# can be published. No retries: what a landing or the gate refuses, somebody has to put right.
weekly = dg.ScheduleDefinition(
    name="weekly_release",
    job=build_and_release,
    cron_schedule="0 6 * * 4",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)


@dg.sensor(
    job=build,
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a build when rows have landed since the last one, however they came.",
)
def landed_rows(installation: assets.Installation) -> dg.RunRequest | dg.SkipReason:
    """Ask the door's books, which the command line writes too; one run per newest load.

    A build that fails is not tried again: it would fail until something else lands.
    """
    try:
        newest = newest_unbuilt_load(installation.home)
    except BusyError:
        return dg.SkipReason("The vault is being written")
    if newest is None:
        return dg.SkipReason("Nothing has landed since the last build")
    return dg.RunRequest(run_key=newest)


def newest_unbuilt_load(home: Home) -> str | None:
    """Name the last load that changed a row and that no build has seen; None without one.

    A replay mends an old load: its time is of the name. Raises BusyError where another process
    holds the vault, FlowgrainError where it cannot be read.
    """
    if not home.vault.exists():
        return None
    results = home.target / "run_results.json"
    built = results.stat().st_mtime if results.exists() else 0.0
    # A reader would stop whoever is about to write: so it waits for its turn like a writer.
    with home.writing(wait_seconds=assets.LOOK_SECONDS), read_vault(home) as vault:
        found = vault.execute(
            """
            select loads.load_id, loads.landed_at
            from door.loads as loads
            inner join door.load_counts as counts on loads.load_id = counts.load_id
            where counts.rows_inserted + counts.rows_updated + counts.rows_removed > 0
            order by loads.landed_at desc, loads.load_id desc
            limit 1
            """
        ).fetchone()
    if found is None or found[1].replace(tzinfo=UTC).timestamp() <= built:
        return None
    return f"load {found[0]} of {found[1]:%Y-%m-%dT%H:%M:%S.%f}"
