"""A small installation that the gate passes, and the means to spoil it in one place."""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from orchestration.floor_guard.publish import release
from orchestration.home import Home
from orchestration.landing.vault import STEPS

CHECKED = "checked.json"
CANARY = "Zoe.Canary@shop.invalid"
CANARY_LOGIN = "zoe-canary-7"
SHORT_CANARY = "zoe"
QUARTER = "2025-12-29"
AS_OF = "2026-04-10"
# Changes of each value stream in the quarter, a seventh each by one of six people.
EVENTS = 42

CELL = {"grain": "string", "grain_key": "string", "bucket": "string", "bucket_start": "date"}
CONTRACTS: dict[str, dict[str, str]] = {
    "metric_observations": {
        "metric_key": "string",
        "grain": "string",
        "grain_key": "string",
        "slice": "string",
        "slice_value": "string",
        "statistic": "string",
        "clock": "string",
        "bucket": "string",
        "bucket_start": "date",
        "value": "numeric(18, 4)",
        "lower_bound": "numeric(18, 4)",
        "upper_bound": "numeric(18, 4)",
        "numerator": "numeric(18, 4)",
        "denominator": "numeric(18, 4)",
        "sample_size": "bigint",
        "method": "string",
        "status": "string",
        "as_of": "date",
    },
    "wait_intensity": {
        **CELL,
        "stage": "string",
        "intensity": "bigint",
        "wait_share": "numeric(18, 4)",
        "wait_share_lower": "numeric(18, 4)",
        "wait_share_upper": "numeric(18, 4)",
        "is_binding": "boolean",
        "sample_size": "bigint",
        "status": "string",
        "as_of": "date",
    },
    "dim_metric": {"metric_key": "string", "definition": "string", "measure_class": "string"},
    "dim_value_stream": {"value_stream_key": "string", "value_stream_label": "string"},
    "dim_team": {"team_key": "string", "team_label": "string", "value_stream_key": "string"},
    "findings": {
        "finding": "string",
        **CELL,
        "stage": "string",
        "value": "numeric(18, 4)",
        "lower_bound": "numeric(18, 4)",
        "upper_bound": "numeric(18, 4)",
        "reference": "numeric(18, 4)",
        "item_count": "bigint",
        "total_count": "bigint",
        "confidence": "string",
        "sentence": "string",
        "as_of": "date",
    },
}
GRAINS = {
    "metric_observations": list(CONTRACTS["metric_observations"])[:9],
    "wait_intensity": [*CELL, "stage"],
    "dim_metric": ["metric_key"],
    "dim_value_stream": ["value_stream_key"],
    "dim_team": ["team_key"],
    "findings": ["finding", *CELL, "stage"],
}
METRICS = """
    ('flow_velocity', 'P', 'merged', 'author', 'Changes merged', 1),
    ('wait_share', 'P', 'deployed', 'author|reviewer', 'Waiting in a stage', 0.001),
    ('wait_intensity', 'P', 'deployed', 'author|reviewer', 'One to three', 1),
    ('flow_load', 'P', 'in_progress', 'author', 'Open at the end', 1),
    ('attrition_risk', 'X', null, 'leaver', 'Who left', 0.001),
    ('mapped_share', 'S', null, null, 'Changes of a known system', 0.01)
"""


def person(number: int) -> str:
    """Key of a person, as the door makes them."""
    digest = hashlib.sha256(str(number).encode()).digest()
    return "p1" + base64.b32encode(digest).decode().lower()[:26]


class Lab:
    """One installation in a folder of its own."""

    def __init__(self, root: Path) -> None:
        """Lay out a vault, dbt's artefacts and the door's map, all of them honest."""
        self.home = Home(root).prepare()
        self.home.target.mkdir(parents=True)
        (self.home.door / "identities.csv").write_text(
            "alias,person\n"
            f"{CANARY},{CANARY.lower()}\n{CANARY_LOGIN},{CANARY.lower()}\n"
            f"{SHORT_CANARY},{CANARY.lower()}\n"
        )
        self._fill_vault()
        self._write_artefacts()

    @classmethod
    def at(cls, root: Path) -> "Lab":
        """Take over what is laid out already."""
        lab = cls.__new__(cls)
        lab.home = Home(root)
        return lab

    @contextmanager
    def vault(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the vault for writing."""
        connection = duckdb.connect(str(self.home.vault))
        try:
            yield connection
        finally:
            connection.close()

    def sql(self, statement: str) -> None:
        """Change the vault."""
        with self.vault() as connection:
            connection.execute(statement)

    @contextmanager
    def artefact(self, name: str) -> Iterator[dict[str, Any]]:
        """Change one of dbt's artefacts of the build."""
        path = self.home.target / name
        content = json.loads(path.read_text())
        yield content
        path.write_text(json.dumps(content))

    @contextmanager
    def node(self, name: str) -> Iterator[dict[str, Any]]:
        """Change one model, and build it anew."""
        with self.artefact("manifest.json") as manifest:
            yield manifest["nodes"][f"model.flowgrain.{name}"]
        (self.home.ops / CHECKED).write_text(json.dumps(manifest))

    def add_column(self, table: str, column: str, kind: str, value: str) -> None:
        """Offer one column more, under contract."""
        self.sql(f"alter table flowgrain_candidate.{table} add column {column} {kind}")
        self.sql(f"update flowgrain_candidate.{table} set {column} = {value}")
        with self.node(table) as node:
            node["columns"][column] = {"name": column, "data_type": kind, "description": "More."}

    def observe(self, **changes: Any) -> None:
        """Offer one observation more."""
        row = {
            "metric_key": "flow_velocity",
            "grain": "value_stream",
            "grain_key": "vs_1",
            "slice": "all",
            "slice_value": "all",
            "statistic": "count",
            "clock": "none",
            "bucket": "quarter",
            "bucket_start": QUARTER,
            "value": 40,
            "lower_bound": 30,
            "upper_bound": 50,
            "numerator": None,
            "denominator": None,
            "sample_size": EVENTS,
            "method": "census",
            "status": "ok",
            "as_of": AS_OF,
            **changes,
        }
        with self.vault() as connection:
            connection.execute(
                "insert into flowgrain_candidate.metric_observations values "
                f"({', '.join('?' for _ in row)})",
                list(row.values()),
            )

    def manifest(self) -> dict[str, Any]:
        """What dbt writes about the project now, which the gate has checked."""
        content: dict[str, Any] = json.loads((self.home.ops / CHECKED).read_text())
        return content

    def publish(self) -> str:
        """Run the gate on a project that was checked; return the release's name."""
        return release(self.home, self.manifest()).release

    def published_state(self) -> dict[str, bytes]:
        """All that readers could see, to be compared before and after."""
        return {
            path.name: path.read_bytes()
            for path in sorted(self.home.published.parent.iterdir())
            if path.is_file()
        }

    def _fill_vault(self) -> None:
        with self.vault() as connection:
            connection.execute(
                f"""
                create schema flowgrain_candidate;
                create schema flowgrain_vault;
                create schema flowgrain_seeds;
                create schema door;
                create table flowgrain_seeds.metrics as
                    select * from (values {METRICS})
                    as metrics(metric_key, class, population, subjects, definition, precision_step);
                create table flowgrain_seeds.teams as
                    select * from (
                        values ('t_01', 'Checkout', 'default'), ('t_02', 'Ledger', 'default')
                    ) as teams(team_key, team_label, calendar_key);
                create table flowgrain_seeds.value_streams as
                    select * from (values ('vs_1', 'Payments'), ('vs_2', 'Accounting'))
                    as value_streams(value_stream_key, value_stream_label);
                create table flowgrain_seeds.systems as
                    select * from (values ('s_01', 'Checkout page', 'high', true))
                    as systems(system_key, system_label, criticality, is_revenue_critical);
                create table flowgrain_seeds.finding_templates as
                    select * from (
                        values
                            (
                                'binding_stage', 'wait_share',
                                '{{group}} waits in {{stage}}: {{value}} ({{lower}} to {{upper}}).'
                            )
                    ) as templates(finding, metric_key, template);
                create table flowgrain_seeds.agenda_rules (rule varchar);
                create table flowgrain_seeds.benchmarks (source varchar);
                create table flowgrain_seeds.matrix_measures (matrix varchar);
                create table door.migrations as select {len(STEPS)} as version;
                create table door.loads (
                    load_id bigint, source varchar, connection varchar, contract_version int,
                    key_id varchar, loaded_to timestamp, landed_at timestamp, status varchar
                );
                insert into door.loads values
                    (1, 'files', 'files', 1, 'abcd1234', '2026-04-10', '2026-04-11', 'landed');
                create table door.load_counts (
                    load_id bigint, source varchar, entity varchar, rows_read bigint,
                    rows_inserted bigint, rows_updated bigint, rows_unchanged bigint,
                    rows_superseded bigint, rows_quarantined bigint
                );
                insert into door.load_counts values (1, 'files', 'changes', 10, 5, 1, 1, 1, 2);
                create table flowgrain_vault.int_activity (
                    population varchar, author_kind varchar, role varchar, person_key varchar,
                    change_key varchar, system_key varchar, team_key varchar,
                    value_stream_key varchar, counted_at timestamp
                );
                create table flowgrain_vault.int_survey_answers (
                    quarter_start date, person_key varchar, team_key varchar,
                    value_stream_key varchar, driver varchar, scale varchar, amount decimal(9, 3)
                );
                create table flowgrain_vault.int_survey_teams (
                    quarter_start date, stated_team varchar, team_key varchar,
                    value_stream_key varchar, invited_count bigint
                );
                create table flowgrain_vault.int_ai_use (
                    team_key varchar, quarter_start date, week_start date, person_key varchar
                );
                create table flowgrain_vault.int_ai_seats (
                    team_key varchar, value_stream_key varchar, quarter_start date,
                    week_start date, seats bigint, untold_seats bigint
                );
                create table flowgrain_seeds.ai_value_assumptions as
                    select null::date as valid_from, 1 as hours_saved_low, 3 as hours_saved_high,
                        50 as hour_cost, 'EUR' as currency, 'a guess' as basis;
                create table flowgrain_vault.int_headcounts (
                    quarter_start date, team_key varchar, year_number integer,
                    quarter_number integer, people_count decimal(12, 3), leaver_count bigint
                );
                """
            )
            # Six people in each value stream, seven changes each: enough, with one to spare.
            rows = [
                (
                    population,
                    kind,
                    role,
                    person(who),
                    f"c{who}-{number}",
                    "s_01",
                    f"t_0{stream}",
                    f"vs_{stream}",
                    "2026-02-04 10:00",
                )
                for stream in (1, 2)
                for who in range(stream * 10, stream * 10 + 6)
                for number in range(EVENTS // 6)
                for population in ("merged", "deployed")
                for kind in ("human", "bot")
                for role in ("author", "reviewer")
                if (kind, role) != ("bot", "author")
            ]
            # Open work: six at the quarter's end in one stream; in the other only at its start.
            rows += [
                (
                    "in_progress",
                    "human",
                    "author",
                    person(who),
                    f"c{who}-{number}",
                    "s_01",
                    f"t_0{stream}",
                    f"vs_{stream}",
                    day,
                )
                for stream, day in ((1, "2026-03-29"), (2, "2026-01-04"))
                for who in range(stream * 10, stream * 10 + 6)
                for number in range(EVENTS // 6)
            ]
            connection.executemany(
                f"insert into flowgrain_vault.int_activity values ({', '.join('?' * 9)})", rows
            )
            for table, columns in CONTRACTS.items():
                kinds = ", ".join(f"{name} {kind}" for name, kind in columns.items())
                connection.execute(f"create table flowgrain_candidate.{table} ({kinds})")
            connection.execute(
                f"""
                insert into flowgrain_candidate.dim_metric
                    select metric_key, definition, class from flowgrain_seeds.metrics;
                insert into flowgrain_candidate.dim_value_stream
                    select * from flowgrain_seeds.value_streams;
                insert into flowgrain_candidate.dim_team values
                    ('t_01', 'Checkout', 'vs_1'), ('t_02', 'Ledger', 'vs_2');
                insert into flowgrain_candidate.wait_intensity
                    select
                        'value_stream', stream, 'quarter', date '{QUARTER}', stage, 1, 0.2, 0.1,
                        0.3, false, 40, 'ok', date '{AS_OF}'
                    from
                        (values ('vs_1'), ('vs_2')) as streams(stream),
                        (values ('dev'), ('review')) as stages(stage);
                insert into flowgrain_candidate.findings values (
                    'binding_stage', 'value_stream', 'vs_1', 'quarter', date '{QUARTER}', 'review',
                    0.345, 0.3, 0.4, null, null, null, 'high',
                    'Payments waits in Review: 35 % (30 % to 40 %).', date '{AS_OF}'
                );
                """
            )
        for stream in ("vs_1", "vs_2"):
            self.observe(grain_key=stream)
            self.observe(grain_key=stream, slice="author_kind", slice_value="bot")
            for stage in ("dev", "review"):
                self.observe(
                    metric_key="wait_share",
                    grain_key=stream,
                    slice="stage",
                    slice_value=stage,
                    statistic="ratio",
                    clock="working",
                    value=0.2,
                    lower_bound=0.1,
                    upper_bound=0.3,
                    method="delta_logit_t",
                )
        whole = {"grain": "portfolio", "grain_key": "all", "sample_size": 2 * EVENTS}
        self.observe(**whole)
        self.observe(metric_key="flow_load", numerator=None)
        self.observe(
            bucket="week",
            bucket_start="2026-02-09",
            value=None,
            lower_bound=None,
            upper_bound=None,
            sample_size=None,
            method=None,
            status="withheld",
        )

    def _write_artefacts(self) -> None:
        nodes: dict[str, Any] = {
            f"model.flowgrain.{name}": {
                "resource_type": "model",
                "name": name,
                "alias": name,
                "schema": "flowgrain_candidate",
                "database": "vault",
                "language": "sql",
                "group": "published",
                "description": f"One row per {name}.",
                "checksum": {"name": "sha256", "checksum": "00"},
                "config": {
                    "group": "published",
                    "materialized": "table",
                    "enabled": True,
                    "contract": {"enforced": True},
                    "meta": {"grain": GRAINS[name]},
                    "pre-hook": [],
                    "post-hook": [],
                },
                "columns": {
                    column: {"name": column, "data_type": kind, "description": "It's told."}
                    for column, kind in columns.items()
                },
            }
            for name, columns in CONTRACTS.items()
        }
        nodes["seed.flowgrain.metrics"] = {
            "resource_type": "seed",
            "name": "metrics",
            "alias": "metrics",
            "config": {"materialized": "seed"},
            "columns": {},
        }
        nodes["test.flowgrain.grain"] = {
            "resource_type": "test",
            "name": "grain",
            "group": "published",
            "schema": "flowgrain_audit",
            "config": {"group": "published"},
            "columns": {},
        }
        metadata = {"invocation_id": "one"}
        for path in (self.home.target / "manifest.json", self.home.ops / CHECKED):
            path.write_text(json.dumps({"metadata": metadata, "nodes": nodes}))
        results = [
            {"unique_id": key, "status": "pass" if key.startswith("test") else "success"}
            for key in nodes
        ]
        arguments = {
            "which": "build",
            "select": [],
            "exclude": [],
            "empty": False,
            "resource_types": [],
            "exclude_resource_types": ["unit_test"],
        }
        (self.home.target / "run_results.json").write_text(
            json.dumps({"metadata": metadata, "args": arguments, "results": results})
        )


def publish_generation(root: Path, generation: int) -> None:
    """Publish figures that all tell one number: what the kill test kills."""
    lab = Lab.at(root)
    lab.sql(
        f"""
        begin;
        update flowgrain_candidate.metric_observations
            set numerator = {generation} where status = 'ok' and statistic = 'count';
        update flowgrain_candidate.wait_intensity set sample_size = {generation};
        commit;
        """
    )
    lab.publish()
