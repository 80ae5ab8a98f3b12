"""What somebody has to look at reaches the log and a webhook, as counts and a link."""

import json
import logging
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from canaries import PERSON

from orchestration import alerts, assets
from orchestration.errors import FlowgrainError
from orchestration.home import Home
from orchestration.landing.door import open_vault
from orchestration.landing.freshness import windows

SECRET = "T0K3N-that-nobody-may-read"
Messages = list[dict[str, Any]]


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Messages]:
    """A webhook on loopback, and what it was sent."""
    messages: Messages = []

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            messages.append(json.loads(body))
            self.send_response(302 if self.path.endswith("away") else 200)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Webhook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("FLOWGRAIN_ALERT_WEBHOOK", f"http://127.0.0.1:{server.server_port}/{SECRET}")
    yield messages
    server.shutdown()
    server.server_close()


@dg.asset
def orders() -> None:
    """Lands what it cannot."""
    raise FlowgrainError("changes.csv: column opened_at is missing", "Add it, then land again")


@dg.asset(name="release")
def refused() -> None:
    """Is refused as the gate refuses."""
    raise FlowgrainError("figures lie outside what they can be", "Put it right", rule="B05")


@dg.asset
def leaky() -> None:
    """Fails with a tool's words, which quote a value."""
    raise ValueError(f"could not read {PERSON!r}")


@dg.asset
def checked() -> None:
    """Succeeds."""


@dg.asset_check(asset="checked")
def rows_are_few() -> dg.AssetCheckResult:
    """Warns."""
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """A Dagster of this test's own."""
    with dg.instance_for_test(temp_dir=str(tmp_path)) as found:
        yield found


def failed(instance: dg.DagsterInstance, asset: dg.AssetsDefinition) -> str:
    """Run an asset that fails, let the sensor look at it, and return the run."""
    job = dg.Definitions([asset]).resolve_implicit_global_asset_job_def()
    done = job.execute_in_process(instance=instance, raise_on_error=False)
    context = dg.build_run_status_sensor_context(
        sensor_name="alert_on_failure",
        dagster_event=done.get_run_failure_event(),
        dagster_instance=instance,
        dagster_run=done.dagster_run,
    ).for_run_failure()
    alerts.alert_on_failure(context)
    return done.run_id


def test_a_landing_that_fails_is_told_by_its_kind_and_a_link(
    instance: dg.DagsterInstance, posted: Messages
) -> None:
    run_id = failed(instance, orders)
    [message] = posted
    assert message["text"].splitlines()[1:] == [
        "orders: FlowgrainError",
        f"http://127.0.0.1:3000/runs/{run_id}",
    ]


def test_a_release_that_is_refused_names_the_rule(
    instance: dg.DagsterInstance, posted: Messages
) -> None:
    failed(instance, refused)
    lines = posted[0]["text"].splitlines()
    assert lines[0] == "The release was refused"
    assert lines[1] == "release: GL-B05"


def test_what_a_tool_says_stays_inside(
    instance: dg.DagsterInstance, posted: Messages, caplog: pytest.LogCaptureFixture
) -> None:
    """An error of a library may quote a row: only its kind goes out."""
    with caplog.at_level(logging.INFO):
        failed(instance, leaky)
    assert "leaky: ValueError" in posted[0]["text"]
    assert PERSON not in posted[0]["text"]
    assert SECRET not in caplog.text


def test_checks_that_warn_are_told_after_a_run_that_went_well(
    instance: dg.DagsterInstance, posted: Messages
) -> None:
    job = dg.Definitions(
        [checked], asset_checks=[rows_are_few]
    ).resolve_implicit_global_asset_job_def()
    done = job.execute_in_process(instance=instance)
    alerts.alert_on_findings(
        dg.build_run_status_sensor_context(
            sensor_name="alert_on_findings",
            dagster_event=done.get_run_success_event(),
            dagster_instance=instance,
            dagster_run=done.dagster_run,
        )
    )
    assert "Checks that warn: 1 (rows_are_few of checked)" in posted[0]["text"]


def look(root: Path, cursor: str | None = None) -> dg.SensorEvaluationContext:
    """What a sensor is given when it looks at an installation."""
    installation = assets.Installation(root=str(root), target="dev", clones=[])
    return dg.build_sensor_context(cursor=cursor, resources={"installation": installation})


def test_a_source_is_told_stale_once_and_again_after_it_landed(
    tmp_path: Path, posted: Messages
) -> None:
    home = Home(tmp_path).prepare()
    over = windows()["git"].error_after + timedelta(hours=1)
    cursor = None
    told = []
    for age in (timedelta(), over, over, timedelta(), over):
        moment = (datetime.now(UTC) - age).replace(tzinfo=None)
        with open_vault(home) as vault:
            vault.execute("delete from door.connections")
            vault.execute(
                "insert into door.connections values ('git', 'c', null, ?, ?)", [moment, moment]
            )
        context = look(tmp_path, cursor)
        alerts.alert_on_stale_sources.evaluate_tick(context)
        cursor = context.cursor
        told.append(len(posted))
    assert told == [0, 1, 1, 1, 2]
    assert posted[0]["text"] == "Stale: git landed longer ago than the window allows"


@pytest.mark.parametrize("address", ["http://example.invalid/x", "ftp://away.invalid", "x"])
def test_alerts_are_posted_to_safe_addresses_only(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWGRAIN_ALERT_WEBHOOK", address)
    with pytest.raises(FlowgrainError, match="no https address"):
        alerts.alert(look(tmp_path), "Something")


def test_a_webhook_that_is_away_or_sends_on_stops_nothing(
    tmp_path: Path, posted: Messages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log has the alert all the same; the message goes to one address only."""
    monkeypatch.setenv("FLOWGRAIN_ALERT_WEBHOOK", os.environ["FLOWGRAIN_ALERT_WEBHOOK"] + "/away")
    assert not alerts.alert(look(tmp_path), "Something")
    assert len(posted) == 1
    monkeypatch.setenv("FLOWGRAIN_ALERT_WEBHOOK", "http://127.0.0.1:9/nobody")
    assert not alerts.alert(look(tmp_path), "Something")


def test_signals_are_counted_by_metric_in_the_newest_bucket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Worked by hand: two of the newest week, none of the week before, one of the newest period."""
    connection = duckdb.connect()
    connection.execute(
        """
        create table baseline_signals as
        select * from (values
            ('flow_time', 'week', date '2026-03-30', 'upper'),
            ('flow_time', 'week', date '2026-03-30', 'lower'),
            ('flow_time', 'week', date '2026-03-23', 'upper'),
            ('flow_load', 'week', date '2026-03-30', 'none'),
            ('change_size', 'period', date '2026-03-02', 'upper')
        ) as told (metric_key, bucket, bucket_start, limit_broken)
        """
    )
    monkeypatch.setattr("orchestration.floor_guard.vocabulary.open_published", lambda _: connection)
    assert alerts.newest_signals(Home(tmp_path)) == {"change_size": 1, "flow_time": 2}
