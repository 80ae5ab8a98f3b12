"""Everything Dagster knows about this project, in one list."""

import dagster as dg

from orchestration import assets

# One process: the vault has one writer at a time, so steps would only wait for each other.
build_and_release = dg.define_asset_job(
    "build_and_release",
    selection=dg.AssetSelection.all(),
    description="Lands every source, builds and tests every model, and lets the gate release.",
    executor_def=dg.in_process_executor,
)

# A week ends on Sunday and closes three days later: Thursday morning is the first time at which it
# can be published. No retries: what a landing or the gate refuses, somebody has to put right.
weekly_release = dg.ScheduleDefinition(
    name="weekly_release",
    job=build_and_release,
    cron_schedule="0 6 * * 4",
    execution_timezone="UTC",
)

defs = dg.Definitions(
    assets=[
        assets.files,
        assets.github,
        assets.devlake,
        assets.git,
        assets.books,
        assets.models,
        assets.release,
    ],
    jobs=[build_and_release],
    schedules=[weekly_release],
    resources={"installation": assets.Installation.from_environment()},
)
