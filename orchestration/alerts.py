"""Tells a webhook, and the log, what somebody has to look at: counts, names of checks, a link.

What a tool or a source says never goes out: an error is told by the rule that spoke, or its kind.
"""

import json
import os
import re
from collections.abc import Iterable
from contextlib import closing
from urllib.parse import urlsplit

import dagster as dg
import requests

from orchestration import assets
from orchestration.errors import BusyError, FlowgrainError
from orchestration.home import Home

TIMEOUT_SECONDS = 10
HTTP_REDIRECTED = 300
# A rule of the floor, as FlowgrainError begins with it.
RULE = re.compile(r"^\S*FlowgrainError: (GL-[A-Z]\d{2}) ")
SHOWN = 5
DEFAULT_ADDRESS = "http://127.0.0.1:3000"


def alert(context: dg.SensorEvaluationContext | dg.RunStatusSensorContext, text: str) -> bool:
    """Write to the log, and post to the webhook that FLOWGRAIN_ALERT_WEBHOOK names, if any.

    Returns whether everybody who is to be told was told.

    The message is Slack's: an object with `text`. A webhook that does not answer is logged by the
    kind of its fault, since its address is a secret. Raises FlowgrainError where it is no address
    that is safe to post to.
    """
    context.log.warning(text)
    webhook = os.environ.get("FLOWGRAIN_ALERT_WEBHOOK")
    if not webhook:
        return True
    address = urlsplit(webhook)
    if address.scheme != "https" and address.hostname not in ("127.0.0.1", "localhost"):
        raise FlowgrainError(
            "FLOWGRAIN_ALERT_WEBHOOK is no https address", "Give the whole address, with https://"
        )
    try:
        answer = requests.post(
            webhook, json={"text": text}, timeout=TIMEOUT_SECONDS, allow_redirects=False
        )
    except requests.RequestException as error:
        context.log.error(f"The webhook did not take the alert ({type(error).__name__})")
        return False
    if answer.status_code >= HTTP_REDIRECTED:
        context.log.error(f"The webhook did not take the alert (HTTP {answer.status_code})")
        return False
    return True


def link(run_id: str) -> str:
    """Where to look at a run; FLOWGRAIN_DAGSTER_URL says how others reach this Dagster."""
    return f"{os.environ.get('FLOWGRAIN_DAGSTER_URL') or DEFAULT_ADDRESS}/runs/{run_id}"


def _listed(names: Iterable[str]) -> str:
    names = sorted(names)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def failed_checks(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """Name the checks that did not pass in a run, each with its asset; warnings too.

    Not that sources are stale, which has an alert of its own.
    """
    events = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    found = (entry.dagster_event.event_specific_data for entry in events if entry.dagster_event)
    return [
        f"{check.check_name} of {check.asset_key.path[-1]}"
        for check in found
        if isinstance(check, dg.AssetCheckEvaluation)
        and not check.passed
        and check.check_name != "sources_are_fresh"
    ]


def failed_steps(instance: dg.DagsterInstance, run_id: str) -> dict[str, str]:
    """Say of each failed step why: by the rule of the floor that spoke, or the kind of the error.

    What stands beside them, paths and names of columns, is in the run.
    """
    why = {}
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        event = entry.dagster_event
        error = event.step_failure_data.error if event else None
        while error is not None and error.cause is not None:
            error = error.cause
        if event and event.step_key:
            kind = (error.cls_name if error else None) or "an error"
            rule = RULE.search(error.message) if error and kind == "FlowgrainError" else None
            why[event.step_key] = rule[1] if rule else kind
    return why


@dg.run_failure_sensor(default_status=dg.DefaultSensorStatus.RUNNING)
def alert_on_failure(context: dg.RunFailureSensorContext) -> None:
    """A run failed: a landing, a build, checks that block, or a release that was refused."""
    run = context.dagster_run
    steps = failed_steps(context.instance, run.run_id)
    checks = failed_checks(context.instance, run.run_id)
    lines = [
        "The release was refused"
        if steps.get("release", "").startswith("GL-")
        else f"{run.job_name} failed",
        *(f"{step}: {why}" for step, why in steps.items()),
    ]
    if checks:
        lines.append(f"Checks that did not pass: {len(checks)} ({_listed(checks)})")
    alert(context, "\n".join([*lines, link(run.run_id)]))


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS, default_status=dg.DefaultSensorStatus.RUNNING
)
def alert_on_findings(context: dg.RunStatusSensorContext) -> None:
    """A run went well, but checks warn, or the new release has process-behaviour signals."""
    run = context.dagster_run
    lines = []
    if checks := failed_checks(context.instance, run.run_id):
        lines.append(f"Checks that warn: {len(checks)} ({_listed(checks)})")
    if _is_new_release(context.instance, run.run_id):
        signals = newest_signals(assets.Installation.from_environment().home)
        if signals:
            told = (f"{metric}: {count}" for metric, count in signals.items())
            lines.append(
                f"Process-behaviour signals of the newest buckets: {sum(signals.values())} "
                f"({_listed(told)})"
            )
    if lines:
        alert(context, "\n".join([f"{run.job_name} has findings", *lines, link(run.run_id)]))


def _is_new_release(instance: dg.DagsterInstance, run_id: str) -> bool:
    """The same content has the same name: what was told of it need not be told again."""
    made = instance.fetch_materializations(dg.AssetKey("release"), limit=2).records
    names = [
        record.asset_materialization.tags.get("dagster/data_version")
        for record in made
        if record.asset_materialization and record.asset_materialization.tags
    ]
    return bool(made) and made[0].run_id == run_id and len(set(names)) == len(names)


def newest_signals(home: Home) -> dict[str, int]:
    """Count by metric the signals in the newest published bucket of each size."""
    # The gate is loaded where it is used: a fault in it must not hide the graph.
    from orchestration.floor_guard.vocabulary import open_published

    with closing(open_published(home.published)) as published:
        return dict(
            published.execute(
                """
                with newest as (
                    select bucket, max(bucket_start) as bucket_start
                    from baseline_signals group by bucket
                )

                select metric_key, count(*)
                from baseline_signals
                inner join newest using (bucket, bucket_start)
                where limit_broken != 'none'
                group by metric_key
                order by metric_key
                """
            ).fetchall()
        )


@dg.sensor(minimum_interval_seconds=600, default_status=dg.DefaultSensorStatus.RUNNING)
def alert_on_stale_sources(
    context: dg.SensorEvaluationContext, installation: assets.Installation
) -> dg.SkipReason:
    """Tell of a source once when it goes stale; the cursor knows which were told."""
    try:
        stale = assets.find_stale_sources(installation.home, wait_seconds=assets.LOOK_SECONDS)
    except BusyError:
        return dg.SkipReason("The vault is being written")
    told = [source for source in json.loads(context.cursor or "[]") if source in stale]
    new = [source for source in stale if source not in told]
    # What the webhook did not take is told at the next look.
    if not new or alert(context, f"Stale: {_listed(new)} landed longer ago than the window allows"):
        told = stale
    context.update_cursor(json.dumps(told))
    return dg.SkipReason(f"{len(stale)} sources are stale")
