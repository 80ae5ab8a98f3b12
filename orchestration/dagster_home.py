"""Where Dagster keeps its runs and logs: in the vault, for both may quote what a tool said."""

from contextlib import suppress
from pathlib import Path

from orchestration.errors import BusyError
from orchestration.home import Home

SETTINGS = """\
# Written by flowgrain. Nothing is reported to anybody, and nobody is asked for an address.
telemetry:
  enabled: false
nux:
  enabled: false
# One run at a time works on the vault; the others wait for it.
concurrency:
  pools:
    granularity: run
    default_limit: 1
# A run whose worker is gone is marked failed; one that hangs is ended.
run_monitoring:
  enabled: true
  start_timeout_seconds: 300
  max_runtime_seconds: 7200
run_retries:
  enabled: false
freshness:
  enabled: true
# All events in one file that stays open: each is written twice, and slowly, otherwise.
event_log_storage:
  module: orchestration.dagster_events
  class: HeldOpenEventLog
  config:
    base_dir: { env: DAGSTER_HOME }
# dbt's lines may quote a database, and a database a row: they stay in vault/ops/logs.
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
"""
# What was written before: nobody set anything there.
EARLIER = (
    SETTINGS[: SETTINGS.index("# One run at a time")],
    SETTINGS.replace(
        "in one file that stays open: each is written twice, and slowly, otherwise.",
        "in one file: every asset's would be written twice otherwise.",
    )
    .replace("orchestration.dagster_events", "dagster._core.storage.event_log")
    .replace("HeldOpenEventLog", "ConsolidatedSqliteEventLogStorage"),
)


def prepare_dagster_home(home: Home) -> Path:
    """Make the folder that DAGSTER_HOME names; settings that are there already stay."""
    folder = home.prepare().ops / "dagster"
    folder.mkdir(mode=0o700, exist_ok=True)
    settings = folder / "dagster.yaml"
    if not settings.exists() or settings.read_text(encoding="utf-8") in EARLIER:
        settings.write_text(SETTINGS, encoding="utf-8")
    return folder


def end_lost_runs(home: Home) -> None:
    """Mark runs as failed that were at work when the last Dagster here ended: they hold the pool.

    To be called before the next one starts, which is not told of them. While somebody writes, a
    run may be at work still: nothing is marked then.
    """
    # Dagster takes seconds to load, and half of the commands need only the folder.
    import dagster as dg

    at_work = [
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
        dg.DagsterRunStatus.CANCELING,
    ]
    with suppress(BusyError), home.writing(wait_seconds=0):
        with dg.DagsterInstance.from_config(str(prepare_dagster_home(home))) as instance:
            for run in instance.get_runs(dg.RunsFilter(statuses=at_work)):
                instance.report_run_failed(run, "Dagster ended while this run was at work")
