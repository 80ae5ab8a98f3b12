"""Everything Dagster knows about this project, in one list."""

import dagster as dg

from orchestration import alerts, assets, schedules

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
    asset_checks=[assets.sources_are_fresh],
    jobs=[*schedules.landings, schedules.build, schedules.build_and_release],
    schedules=[*schedules.hourly, schedules.weekly],
    sensors=[
        schedules.landed_rows,
        alerts.alert_on_failure,
        alerts.alert_on_findings,
        alerts.alert_on_stale_sources,
    ],
    resources={"installation": assets.Installation.from_environment()},
    # One process: the vault has one writer at a time, so steps would only wait for each other.
    executor=dg.in_process_executor,
)
