"""The gate refuses what would tell of a person, changes nothing then, and never says the value."""

import base64
import codecs
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from publish_lab import CANARY, CANARY_LOGIN, QUARTER, SHORT_CANARY, Lab, person

from orchestration.errors import FlowgrainError
from orchestration.floor_guard import publish
from orchestration.floor_guard.calendar import bucket_end, bucket_start, is_last_week
from orchestration.floor_guard.candidates import Candidate, Column
from orchestration.floor_guard.constants import DERIVED_FROM
from orchestration.floor_guard.publish import release, verify
from orchestration.floor_guard.vocabulary import (
    Registered,
    check_file,
    has_pattern,
    known_forms,
    names_somebody,
)
from orchestration.home import Home

CANDIDATES = "flowgrain_candidate"
WRITE = publish._write
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make one installation that the gate passed, to be copied for each attack."""
    root = tmp_path_factory.mktemp("lab") / "home"
    Lab(root).publish()
    return root


@pytest.fixture
def lab(honest: Path, tmp_path: Path) -> Lab:
    """Give an installation of its own, published once."""
    root = tmp_path / "home"
    shutil.copytree(honest, root)
    return Lab.at(root)


def refused(lab: Lab, rule: str, *secrets: str, target: str = "dev") -> str:
    """Publish, expect this rule's refusal, and find all that readers see as it was."""
    before = lab.published_state()
    with pytest.raises(FlowgrainError) as caught:
        release(lab.home, lab.manifest(), target=target)
    assert caught.value.rule == rule, str(caught.value)
    assert lab.published_state() == before
    for secret in (CANARY, CANARY_LOGIN, person(10), *secrets):
        assert secret.casefold() not in str(caught.value).casefold()
    return str(caught.value)


# The honest project passes.


def test_the_release_is_the_candidates_and_its_report_describes_it(lab: Lab) -> None:
    release = verify(lab.home)
    assert [table.name for table in release.tables] == [
        "dim_metric",
        "dim_team",
        "dim_value_stream",
        "findings",
        "metric_observations",
        "wait_intensity",
    ]
    assert release.release.startswith("2026-04-10-")
    connection = duckdb.connect()
    connection.execute(f"attach '{lab.home.vault}' as vault (read_only)")
    connection.execute(f"attach '{lab.home.published}' as released (read_only)")
    for table in release.tables:
        missing = connection.execute(
            f"""
            (from vault.{CANDIDATES}.{table.name} except all from released.marts.{table.name})
            union all
            (from released.marts.{table.name} except all from vault.{CANDIDATES}.{table.name})
            """
        ).fetchall()
        assert missing == []
    kinds = connection.execute(
        "select distinct table_type from information_schema.tables where table_catalog = 'released'"
    ).fetchall()
    assert kinds == [("BASE TABLE",)]
    comments = connection.execute(
        "select distinct comment from duckdb_columns() where database_name = 'released'"
    ).fetchall()
    assert comments == [("It's told.",)]
    compressions = connection.execute(
        "select distinct compression from pragma_storage_info('released.marts.dim_metric')"
    ).fetchall()
    assert {kind for (kind,) in compressions} <= {"Uncompressed", "Constant", "Empty Validity"}
    connection.close()


def test_the_release_opens_for_duckdb_1_2(lab: Lab) -> None:
    connection = duckdb.connect(str(lab.home.published), read_only=True)
    tags = connection.execute(
        "select tags['storage_version'] from duckdb_databases() where not internal"
    ).fetchone()
    connection.close()
    assert tags is not None
    assert "v1.2.0" in str(tags[0])


def test_publishing_the_same_twice_changes_no_word_of_the_report(lab: Lab) -> None:
    report = lab.home.release_report.read_bytes()
    release = verify(lab.home)
    assert lab.publish() == release.release
    assert lab.home.release_report.read_bytes() == report
    assert stat.S_IMODE(lab.home.published.stat().st_mode) == 0o444
    assert len(lab.published_state()) == 2


def test_other_candidates_make_another_release(lab: Lab) -> None:
    before = verify(lab.home).release
    lab.sql(f"update {CANDIDATES}.metric_observations set value = 41 where value = 40")
    assert lab.publish() != before
    verify(lab.home)


def test_an_open_reader_keeps_its_release_while_another_is_published(lab: Lab) -> None:
    program = (
        "import duckdb, sys\n"
        "c = duckdb.connect(sys.argv[1], read_only=True)\n"
        "q = 'select max(value)::int from metric_observations'\n"
        "c.execute('use marts.marts')\n"
        "print(c.execute(q).fetchone()[0], flush=True)\n"
        "sys.stdin.readline()\n"
        "print(c.execute(q).fetchone()[0], flush=True)\n"
    )
    reader = subprocess.Popen(
        [sys.executable, "-c", program, str(lab.home.published)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "40\n"
    lab.sql(f"update {CANDIDATES}.metric_observations set value = 41 where value = 40")
    lab.publish()
    rest, _ = reader.communicate("go\n", timeout=30)
    assert rest == "40\n"


# B07: one whole build.


@pytest.mark.parametrize(
    "arguments",
    [
        {"select": ["metric_observations"]},
        {"exclude": ["dim_team"]},
        {"selector": "nightly"},
        {"resource_types": ["model"]},
        {"exclude_resource_types": ["test"]},
        {"empty": True},
        {"sample": {"start": "2026-01-01"}},
        {"which": "run"},
        {"defer": True},
    ],
    ids=lambda arguments: next(iter(arguments)),
)
def test_a_part_of_a_build_is_refused(lab: Lab, arguments: dict[str, object]) -> None:
    with lab.artefact("run_results.json") as results:
        results["args"].update(arguments)
    refused(lab, "B07")


def test_a_selection_of_everything_is_a_whole_build(lab: Lab) -> None:
    with lab.artefact("run_results.json") as results:
        results["args"]["select"] = ["fqn:*"]
    lab.publish()


@pytest.mark.parametrize("status", ["error", "fail", "skipped", "runtime error", "partial success"])
@pytest.mark.parametrize("place", [0, -1])
def test_a_failed_or_skipped_node_is_refused(lab: Lab, status: str, place: int) -> None:
    with lab.artefact("run_results.json") as results:
        results["results"][place]["status"] = status
    refused(lab, "B07")


def test_a_node_that_was_not_built_is_refused(lab: Lab) -> None:
    with lab.artefact("run_results.json") as results:
        results["results"] = [
            result for result in results["results"] if not result["unique_id"].startswith("seed")
        ]
    refused(lab, "B07")


def test_artefacts_of_two_invocations_are_refused(lab: Lab) -> None:
    with lab.artefact("manifest.json") as manifest:
        manifest["metadata"]["invocation_id"] = "another"
    refused(lab, "B07")


@pytest.mark.parametrize("name", ["manifest.json", "run_results.json"])
@pytest.mark.parametrize(
    "content", [None, "", "{}", '{"metadata": null, "nodes": [], "results": 1}']
)
def test_artefacts_that_say_nothing_are_refused(lab: Lab, name: str, content: str | None) -> None:
    path = lab.home.target / name
    path.unlink()
    if content is not None:
        path.write_text(content)
    refused(lab, "B07")


@pytest.mark.parametrize("part", ["compiled_code", "checksum", "schema"])
def test_other_code_than_was_checked_is_refused(lab: Lab, part: str) -> None:
    """Jinja that compiles to one thing while it is checked, and to another while it is built."""
    with lab.artefact("manifest.json") as manifest:
        manifest["nodes"]["model.flowgrain.dim_team"][part] = "select 1 as another"
    refused(lab, "B07")


def test_tables_of_two_clocks_are_refused(lab: Lab) -> None:
    lab.sql(f"update {CANDIDATES}.wait_intensity set as_of = '2026-04-11'")
    refused(lab, "B07")


# C: contracts.


@pytest.mark.parametrize(
    "kind", ["timestamp", "double", "varchar[]", "json", "blob", "struct(a integer)", "hugeint"]
)
def test_a_type_that_can_hold_more_is_refused(lab: Lab, kind: str) -> None:
    lab.add_column("wait_intensity", "more", kind, "null")
    refused(lab, "C11")


def test_a_type_that_is_not_the_declared_one_is_refused(lab: Lab) -> None:
    lab.sql(f"alter table {CANDIDATES}.dim_team add column more timestamp")
    with lab.node("dim_team") as node:
        node["columns"]["more"] = {"name": "more", "data_type": "date"}
    refused(lab, "C11")


def test_a_column_that_rides_along_is_refused(lab: Lab) -> None:
    lab.sql(f"alter table {CANDIDATES}.dim_team add column more bigint")
    refused(lab, "C02")


def test_a_view_in_place_of_the_table_is_refused(lab: Lab) -> None:
    lab.sql(f"alter table {CANDIDATES}.dim_team rename to hidden")
    lab.sql(f"create view {CANDIDATES}.dim_team as from {CANDIDATES}.hidden")
    refused(lab, "C02")


# B01, B05, V06: rows and numbers.


def test_a_second_row_of_a_cell_is_refused(lab: Lab) -> None:
    """ATK15, past the compiler: rows per person without a key."""
    lab.observe(value=3, lower_bound=3, upper_bound=3)
    refused(lab, "B01")


def test_a_row_without_its_key_is_refused(lab: Lab) -> None:
    lab.sql(f"update {CANDIDATES}.wait_intensity set stage = null where stage = 'review'")
    refused(lab, "B01")


def test_a_table_that_declares_no_grain_is_refused(lab: Lab) -> None:
    with lab.node("dim_team") as node:
        node["config"]["meta"] = {}
    refused(lab, "B01")


@pytest.mark.parametrize(
    "change",
    ["value = -1, lower_bound = -1", "lower_bound = value + 1", "upper_bound = value - 1",
     "statistic = 'ratio'", "numerator = -5",
     "statistic = 'gap', value = -1.2, lower_bound = -1.3"],
)  # fmt: skip
def test_a_number_that_cannot_be_is_refused(lab: Lab, change: str) -> None:
    where = "metric_key = 'flow_velocity' and status = 'ok' and grain = 'portfolio'"
    lab.sql(f"update {CANDIDATES}.metric_observations set {change} where {where}")
    refused(lab, "B05")


# O05, O06, O15: what a figure tells beside itself.


def _share(lab: Lab, without: str, **told: object) -> None:
    """Tell a share of the changes of vs_1, and who is on its side without."""
    lab.sql(
        "insert into flowgrain_seeds.metrics "
        "values ('review_coverage', 'P', 'merged', 'author', 'Looked at', 0.001)"
    )
    lab.sql(
        f"""
        insert into flowgrain_vault.int_activity
        select * replace (
            'review_coverage__share__' || case when {without} then 'without' else 'with' end
                as population
        )
        from flowgrain_vault.int_activity
        where population = 'merged' and author_kind = 'human' and value_stream_key = 'vs_1'
        """
    )
    row = {"value": 0.857, "lower_bound": 0.7, "upper_bound": 0.95, "method": "wilson", **told}
    lab.observe(metric_key="review_coverage", statistic="share", **row)


def test_a_share_with_enough_people_on_either_side_passes(lab: Lab) -> None:
    _share(lab, "change_key like '%-0'", numerator=36, denominator=42)
    lab.publish()


@pytest.mark.parametrize(
    ("without", "numerator", "rule"),
    [
        pytest.param("change_key = 'c10-0'", 41, "O01", id="ATK28-one"),
        pytest.param("false", 42, "O01", id="nobody"),
        pytest.param("change_key like '%-0'", 35, "B04", id="another-number"),
    ],
)
def test_a_share_that_tells_of_few_on_one_side_is_refused(
    lab: Lab, without: str, numerator: int, rule: str
) -> None:
    _share(lab, without, numerator=numerator, denominator=42)
    refused(lab, rule)


UNTOLD = dict.fromkeys(
    ("value", "lower_bound", "upper_bound", "numerator", "denominator", "method", "sample_size")
)


def _types(lab: Lab, defect: str, counts: tuple[int, int], **told: object) -> None:
    """Tell of the items of vs_1 how many are features and how many, by `defect`, defects."""
    lab.sql(
        "insert into flowgrain_seeds.metrics "
        "values ('flow_distribution', 'P', 'merged', 'author', 'Kinds of items', 0.001)"
    )
    for kind, is_with in (("feature", f"not ({defect})"), ("defect", defect)):
        lab.sql(
            f"""
            insert into flowgrain_vault.int_activity
            select * replace (
                'flow_distribution__share__{kind}__'
                || case when {is_with} then 'with' else 'without' end as population
            )
            from flowgrain_vault.int_activity
            where population = 'merged' and author_kind = 'human' and value_stream_key = 'vs_1'
            """
        )
    for kind, count in zip(("feature", "defect"), counts, strict=True):
        row = {"numerator": count, "denominator": 42, "method": "wilson", "value": 0.5}
        row |= {"lower_bound": 0.1, "upper_bound": 0.9, **(told if kind == "defect" else {})}
        lab.observe(
            metric_key="flow_distribution",
            slice="work_type",
            slice_value=kind,
            statistic="share",
            **row,
        )
    # Nobody uses the others anywhere.
    for kind in ("debt", "risk", "unplanned"):
        lab.observe(
            metric_key="flow_distribution",
            slice="work_type",
            slice_value=kind,
            statistic="share",
            **{**UNTOLD, "status": "not_measurable"},
        )


def test_types_of_work_with_enough_people_behind_each_pass(lab: Lab) -> None:
    _types(lab, "change_key like '%-0'", (36, 6))
    lab.publish()


def test_a_type_of_work_of_few_people_is_refused(lab: Lab) -> None:
    """Though the whole rests on enough of them."""
    _types(lab, "change_key in ('c10-0', 'c11-0')", (40, 2))
    refused(lab, "O01")


def test_types_of_work_but_the_one_of_few_people_are_refused(lab: Lab) -> None:
    """It is what is left of the whole."""
    _types(lab, "change_key like '%-0'", (36, 6), status="withheld", **UNTOLD)
    refused(lab, "O06")


def test_a_band_passes_where_nothing_is_exact(lab: Lab) -> None:
    _share(lab, "false", value=None, lower_bound=0.9, upper_bound=1, method="band")
    lab.publish()


def test_a_band_that_is_closer_than_the_standards_is_refused(lab: Lab) -> None:
    _share(lab, "false", value=None, lower_bound=0.95, upper_bound=1, method="band")
    refused(lab, "O15")


def test_a_band_beside_an_exact_share_is_refused(lab: Lab) -> None:
    """The exact one and the stream above it would make an equation of it."""
    _share(lab, "change_key like '%-0'", numerator=36, denominator=42)
    lab.observe(
        metric_key="review_coverage", statistic="share", grain_key="vs_2", value=None,
        lower_bound=0.9, upper_bound=1, method="band",
    )  # fmt: skip
    refused(lab, "O15")


def test_a_part_of_a_whole_that_is_left_out_is_refused(lab: Lab) -> None:
    empty = ", ".join(
        f"{column} = null"
        for column in ("value", "lower_bound", "upper_bound", "sample_size", "method")
    )
    where = "statistic = 'ratio' and slice_value = 'dev' and grain_key = 'vs_2'"
    lab.sql(
        f"update {CANDIDATES}.metric_observations set status = 'withheld', {empty} where {where}"
    )
    refused(lab, "O06")


def test_what_one_of_two_could_tell_of_the_other_is_refused(lab: Lab) -> None:
    """O05, p % = 10: less than half each, and beside them too little to hide the other."""
    lab.sql(
        "delete from flowgrain_vault.int_activity where value_stream_key = 'vs_2' "
        "and population != 'in_progress' and change_key not like '%-0'"
    )
    lab.sql(
        f"""
        insert into flowgrain_vault.int_activity
        select activity.* replace (change_key || '-' || number as change_key)
        from flowgrain_vault.int_activity as activity
        cross join range(1, 42) as numbers(number)
        where
            value_stream_key = 'vs_2' and population != 'in_progress'
            and person_key in ('{person(20)}', '{person(21)}')
        """
    )
    refused(lab, "O05")


def test_a_ratio_that_tells_its_hours_is_refused(lab: Lab) -> None:
    """The hours of a set less those of a set within it are the hours of the rest."""
    where = "statistic = 'ratio' and grain_key = 'vs_2' and slice_value = 'dev'"
    lab.sql(f"update {CANDIDATES}.metric_observations set denominator = 40 where {where}")
    refused(lab, "O16")


@pytest.mark.parametrize("column", ["value", "lower_bound", "upper_bound"])
def test_a_decimal_more_than_declared_is_refused(lab: Lab, column: str) -> None:
    where = "metric_key = 'flow_velocity' and status = 'ok' and grain = 'portfolio'"
    change = {"value": "40.001", "lower_bound": "29.999", "upper_bound": "50.001"}[column]
    lab.sql(f"update {CANDIDATES}.metric_observations set {column} = {change} where {where}")
    refused(lab, "V06")


def _halves(lab: Lab, *halves: str, **told: object) -> None:
    """Tell of the changes of vs_1 with an assistant's marker, and of all others."""
    lab.sql(
        """
        create table flowgrain_seeds.metric_series as
        select
            'flow_velocity' as metric_key, 'assistance' as slice, half as slice_value,
            'count' as statistic, 'none' as clock, 'merged_' || half as population
        from (values ('assisted'), ('unassisted')) as halves(half);
        insert into flowgrain_vault.int_activity
        select activity.* replace (series.population as population)
        from flowgrain_vault.int_activity as activity
        cross join flowgrain_seeds.metric_series as series
        where activity.population = 'merged';
        """
    )
    for half in halves:
        lab.observe(slice="assistance", slice_value=half, **told)


def test_parts_that_are_the_whole_pass(lab: Lab) -> None:
    _halves(lab, "assisted", "unassisted")
    lab.publish()


def test_a_part_without_the_others_is_refused(lab: Lab) -> None:
    """The whole less the part that is told would be the part that is not."""
    _halves(lab, "assisted")
    refused(lab, "O06")


def test_parts_that_share_a_population_are_refused(lab: Lab) -> None:
    """Their people could not be told apart, so nobody has counted them."""
    _halves(lab, "assisted", "unassisted")
    lab.sql("update flowgrain_seeds.metric_series set population = 'merged_assisted'")
    refused(lab, "O01")


def test_parts_in_bands_are_refused(lab: Lab) -> None:
    _halves(lab, "assisted", "unassisted", value=None, lower_bound=0, upper_bound=0.1)
    refused(lab, "O06")


def test_parts_whose_whole_is_withheld_are_refused(lab: Lab) -> None:
    """Their sum would tell it."""
    _halves(lab, "assisted", "unassisted", grain="team", grain_key="t_01")
    refused(lab, "O06")


# O12: load.


def _load(lab: Lab, step: float = 0.05, **changes: object) -> None:
    """Tell how evenly the changes of vs_1's team are spread over its six people."""
    lab.sql(
        "insert into flowgrain_seeds.metrics values "
        f"('assignment_concentration', 'P', 'merged', 'author', 'How evenly', {step})"
    )
    told = {"value": 0.25, "lower_bound": None, "upper_bound": None, "method": "gini"}
    cell = {"grain": "team", "grain_key": "t_01", "statistic": "index"}
    lab.observe(**{"metric_key": "assignment_concentration"} | told | cell | changes)


def test_how_evenly_a_teams_work_is_spread_passes(lab: Lab) -> None:
    _load(lab)
    lab.publish()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"grain": "value_stream", "grain_key": "vs_1"}, id="of-a-stream"),
        pytest.param({"bucket": "week", "bucket_start": "2026-02-02"}, id="of-a-week"),
        pytest.param({"step": 0.01}, id="finer"),
    ],
)
def test_load_that_is_told_closer_is_refused(lab: Lab, changes: dict[str, object]) -> None:
    _load(lab, **changes)
    refused(lab, "O12")


# O11: knowledge.


def _knowledge(lab: Lab) -> None:
    """Tell the bus factors of five systems of six people; two more are of a team of four."""
    lab.sql(
        f"""
        insert into flowgrain_seeds.metrics values
            ('bus_factor', 'K', 'merged', 'author', 'People who may leave', 1),
            ('fragile_system_share', 'K', 'merged', 'author', 'Of few people', 0.001);
        insert into flowgrain_seeds.systems
            select 's_0' || number, 'System ' || number, 'low', false from range(2, 8) as s(number);
        create table flowgrain_seeds.system_owners as
            select
                's_0' || number as system_key,
                case when number < 6 then 't_01' else 't_03' end as team_key,
                case when number = 6 then date '{QUARTER}' end as valid_from,
                cast(null as date) as valid_to
            from range(1, 8) as s(number);
        create table flowgrain_seeds.team_value_streams as
            select team_key, 'vs_1' as value_stream_key,
                cast(null as date) as valid_from, cast(null as date) as valid_to
            from (values ('t_01'), ('t_03')) as teams(team_key);
        update flowgrain_vault.int_activity set team_key = 't_03'
        where person_key in ({", ".join(f"'{person(who)}'" for who in range(20, 24))});
        """
    )
    for number in range(1, 6):
        _bus_factor(lab, number, number)


def _bus_factor(lab: Lab, number: int, value: int | None, **changes: object) -> None:
    told = {"value": value, "lower_bound": value, "upper_bound": value, **changes}
    lab.observe(
        **{"metric_key": "bus_factor", "grain": "system", "grain_key": f"s_0{number}"} | told
    )


def _fragile_share(lab: Lab, fragile: int | None, systems: int, **changes: object) -> None:
    told = {"value": 0.4, "lower_bound": 0.4, "upper_bound": 0.4, "sample_size": systems}
    told |= {"numerator": fragile, "denominator": systems, "grain_key": "vs_1"}
    lab.observe(**{"metric_key": "fragile_system_share", "statistic": "share"} | told | changes)


def test_knowledge_of_many_passes(lab: Lab) -> None:
    """One of the two systems that are withheld is fragile: nobody can say which."""
    _knowledge(lab)
    _fragile_share(lab, 3, 7)
    lab.publish()


def _knowledge_band(number: int) -> dict[str, object]:
    """A bus factor of fewer people than three, or of three and more."""
    fragile = number < 3
    return {"lower_bound": 0 if fragile else 3, "upper_bound": 2 if fragile else None}


def test_bus_factors_may_be_told_as_bands_and_then_as_nothing_else(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    _knowledge(lab)
    monkeypatch.setenv("FLOWGRAIN_PUBLISH_BUS_FACTOR", "band")
    refused(lab, "O11")
    lab.sql("delete from flowgrain_candidate.metric_observations where metric_key = 'bus_factor'")
    for number in range(1, 6):
        _bus_factor(lab, number, None, **_knowledge_band(number))
    _fragile_share(lab, 3, 7)
    lab.publish()


@pytest.mark.parametrize("given", ["", "no", "BAND", "share"])
def test_how_bus_factors_are_told_is_one_of_two(
    lab: Lab, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWGRAIN_PUBLISH_BUS_FACTOR", given)
    refused(lab, "C19")


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(lambda lab: _bus_factor(lab, 7, 1), id="ATK35-team-of-few"),
        pytest.param(
            lambda lab: _bus_factor(lab, 1, None, lower_bound=1, upper_bound=2), id="close-band"
        ),
        pytest.param(
            lambda lab: _bus_factor(lab, 4, None, lower_bound=3, upper_bound=4), id="closed-band"
        ),
        pytest.param(lambda lab: _bus_factor(lab, 4, 4, lower_bound=3, upper_bound=5), id="range"),
        pytest.param(lambda lab: _bus_factor(lab, 8, 1), id="nobodys-system"),
        pytest.param(
            lambda lab: _bus_factor(lab, 2, 1, bucket="week", bucket_start="2026-01-05"),
            id="weekly-trend",
        ),
        pytest.param(lambda lab: _bus_factor(lab, 2, 1, statistic="mean"), id="mean"),
        pytest.param(lambda lab: _bus_factor(lab, 2, 1, slice="stage"), id="slice"),
        pytest.param(
            lambda lab: _bus_factor(lab, 1, 1, grain="team", grain_key="t_01"), id="of-a-team"
        ),
        pytest.param(lambda lab: _fragile_share(lab, 1, 4), id="of-four-systems"),
        pytest.param(lambda lab: _fragile_share(lab, 2, 6), id="one-is-left"),
        pytest.param(lambda lab: _fragile_share(lab, 2, 7), id="none-of-the-rest"),
        pytest.param(lambda lab: _fragile_share(lab, 4, 7), id="all-of-the-rest"),
        pytest.param(lambda lab: _fragile_share(lab, None, 7), id="without-its-parts"),
    ],
)
def test_knowledge_of_few_is_refused(lab: Lab, attack: Callable[[Lab], None]) -> None:
    _knowledge(lab)
    attack(lab)
    refused(lab, "O11")


# O13: surveys.

SURVEY = {"team": "t_01", "stream": "vs_1", "driver": "tooling"}


def _answer(lab: Lab, first: int, scores: str, **changes: str) -> None:
    """Let people of a team answer, each with a digit of `scores`."""
    place = SURVEY | changes
    rows = ", ".join(
        f"('{QUARTER}', '{person(first + number)}', '{place['team']}', '{place['stream']}', "
        f"'{place['driver']}', 'agreement', {score})"
        for number, score in enumerate(scores)
    )
    lab.sql(f"insert into flowgrain_vault.int_survey_answers values {rows}")


def _invite(lab: Lab, team: str, stream: str, count: int) -> None:
    lab.sql(
        "insert into flowgrain_vault.int_survey_teams values "
        f"('{QUARTER}', '{team}', '{team}', '{stream}', {count})"
    )


def _survey(lab: Lab) -> None:
    """Two teams of vs_1 of six and seven, two of vs_2 of which one is of four; nothing is told."""
    lab.sql(
        """
        insert into flowgrain_seeds.metrics values
            ('driver_score', 'V', null, 'respondent', 'Mean', 0.1),
            ('driver_favourable_share', 'V', null, 'respondent', 'Share', 0.05),
            ('survey_response_rate', 'V', null, 'respondent', 'Rate', 0.1),
            ('toil_hours', 'V', null, 'respondent', 'Hours', 0.5),
            ('devex_driver_weight', 'V', null, 'respondent', 'Weight', 0.01),
            ('devex_driver_attribution', 'V', null, 'respondent', 'Added', 0.001),
            ('devex_gap', 'V', null, 'respondent', 'Gap', 0.001);
        insert into flowgrain_seeds.teams values ('t_03', 'Refunds', 'default'),
            ('t_04', 'Runtime', 'default');
        """
    )
    _answer(lab, 100, "123455")
    _answer(lab, 200, "1134455", team="t_02")
    _answer(lab, 300, "1245", team="t_03", stream="vs_2")
    _answer(lab, 400, "12345", team="t_04", stream="vs_2")
    _invite(lab, "t_01", "vs_1", 6)
    _invite(lab, "t_02", "vs_1", 12)
    _invite(lab, "t_03", "vs_2", 9)
    _invite(lab, "t_04", "vs_2", 10)


def _score(lab: Lab, key: str, value: object, **changes: object) -> None:
    """Tell a group's mean; teams of that lab unless it is said otherwise."""
    cell = {"metric_key": "driver_score", "grain": "team", "grain_key": key}
    slice_ = {"slice": "driver", "slice_value": "tooling", "statistic": "mean", "method": "t"}
    told = {"value": value, "lower_bound": 1.5, "upper_bound": 5, "sample_size": 5}
    lab.observe(**cell | slice_ | told | changes)


def _favourable(lab: Lab, key: str, value: float | None, **changes: object) -> None:
    told = {"metric_key": "driver_favourable_share", "statistic": "share", "method": "wilson"}
    _score(lab, key, value, **told | {"lower_bound": 0.2, "upper_bound": 0.9} | changes)


def _rate(lab: Lab, key: str, value: float, **changes: object) -> None:
    told = {"metric_key": "survey_response_rate", "statistic": "share", "method": "census"}
    told |= {"slice": "all", "slice_value": "all", "lower_bound": value, "upper_bound": value}
    _score(lab, key, value, **told | changes)


def _toil(lab: Lab, people: int, **changes: object) -> None:
    """Tell the median of people of one team who say 1, 2, 3 and so on."""
    for number in range(people):
        _answer(lab, 700 + number, str(1 + number % 9), driver="toil")
    told = {"metric_key": "toil_hours", "statistic": "p50", "method": "order_statistics"}
    told |= {"slice": "all", "slice_value": "all", "sample_size": 20}
    _score(lab, "t_01", **{"value": 5, "lower_bound": 3, "upper_bound": 7} | told | changes)


STREAM = {"grain": "value_stream"}
# All that the honest survey may tell: vs_2's teams are hidden, one of them only with the other.
HONEST = (
    ("t_01", 3.3, {}),
    ("t_02", 3.3, {}),
    ("vs_1", 3.3, STREAM | {"sample_size": 10}),
    ("vs_2", 3.0, STREAM),
)


def _honest_survey(lab: Lab) -> None:
    _survey(lab)
    for key, value, changes in HONEST:
        _score(lab, key, value, **changes)
    _score(lab, "all", 3.2, grain="portfolio", sample_size=20)


def test_a_survey_of_many_passes(lab: Lab) -> None:
    _honest_survey(lab)
    _favourable(lab, "t_01", 0.5)
    _favourable(lab, "t_02", 0.55)
    _favourable(lab, "vs_1", 0.55, sample_size=10, **STREAM)
    _rate(lab, "t_01", 1)
    _rate(lab, "t_02", 0.6)
    _rate(lab, "vs_1", 0.7, sample_size=10, **STREAM)
    lab.publish()


def _weigh(lab: Lab, people: int, weight: float, **changes: object) -> None:
    """Tell the weight of a driver that everybody scores as they score the whole: 1 / 1.1."""
    scores = ("12345" * people)[:people]
    for driver in ("learning", "overall"):
        _answer(lab, 800, scores, driver=driver)
    whole = {"metric_key": "devex_driver_weight", "statistic": "coefficient", "method": "ridge_t"}
    whole |= {"grain": "portfolio", "grain_key": "all", "sample_size": 20, "slice": "driver"}
    told = {"value": weight, "slice_value": "learning", "lower_bound": -1, "upper_bound": 2}
    lab.observe(**whole | told | changes)


def _gap(lab: Lab, driver: str, value: float, **changes: object) -> None:
    told = {"metric_key": "devex_driver_attribution", "statistic": "difference"}
    told |= {"value": value, "lower_bound": -2, "upper_bound": 2, "method": "delta_t"}
    _score(lab, "t_01", **told | {"slice_value": driver} | changes)


def test_a_weight_of_sixty_passes(lab: Lab) -> None:
    _survey(lab)
    lab.sql("delete from flowgrain_vault.int_survey_answers")
    _weigh(lab, 60, 0.91)
    lab.publish()


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(lambda lab: _weigh(lab, 59, 0.91), id="of-fifty-nine"),
        pytest.param(lambda lab: _weigh(lab, 60, 1), id="another-weight"),
        pytest.param(
            lambda lab: _weigh(lab, 60, 0.91, grain="team", grain_key="t_01"), id="of-a-team"
        ),
        pytest.param(lambda lab: _gap(lab, "learning", 0.5), id="made-of-nothing-published"),
        pytest.param(
            lambda lab: (
                _weigh(lab, 60, 0.91),
                _score(lab, "t_01", 3, slice_value="learning", lower_bound=1.5),
                _score(lab, "all", 3, slice_value="learning", grain="portfolio", sample_size=20),
                _gap(lab, "learning", 0.1),
            ),
            id="another-contribution",
        ),
    ],
)
def test_weights_and_contributions_are_recounted(lab: Lab, attack: Callable[[Lab], object]) -> None:
    _survey(lab)
    lab.sql("delete from flowgrain_vault.int_survey_answers")
    attack(lab)
    refused(lab, "O13")


def test_hours_of_twenty_pass(lab: Lab) -> None:
    _survey(lab)
    _toil(lab, 27)
    lab.publish()


def test_a_team_that_agrees_is_told_as_merely_very_high(lab: Lab) -> None:
    _survey(lab)
    _answer(lab, 100, "555555", driver="autonomy")
    _score(lab, "t_01", 4.7, slice_value="autonomy", lower_bound=3.7)
    lab.publish()


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(lambda lab: _score(lab, "t_03", 3.0), id="ATK36-four-answers"),
        pytest.param(lambda lab: _score(lab, "t_04", 3.0), id="the-other-team-is-of-four"),
        pytest.param(
            lambda lab: _answer(lab, 600, "1234", team="t_05"), id="four-are-left-of-the-stream"
        ),
        pytest.param(
            lambda lab: _answer(lab, 600, "123451", team="t_05"), id="one-team-is-left-of-it"
        ),
        pytest.param(
            lambda lab: lab.sql(
                "update flowgrain_vault.int_survey_answers set person_key = "
                f"'{person(100)}' where person_key in ('{person(101)}', '{person(102)}')"
            ),
            id="three-accounts-of-one-person",
        ),
        pytest.param(
            lambda lab: lab.sql(
                "update flowgrain_vault.int_survey_answers set person_key = null "
                "where team_key = 't_01'"
            ),
            id="accounts-that-nobody-declared",
        ),
        pytest.param(
            lambda lab: _score(lab, "t_01", 3.5, bucket="week", bucket_start="2026-02-09"),
            id="weekly-trend",
        ),
        pytest.param(lambda lab: _score(lab, "s_01", 3.5, grain="system"), id="of-a-system"),
        pytest.param(
            lambda lab: _score(lab, "unassigned", 3.5, grain="value_stream"), id="of-nobody"
        ),
        pytest.param(
            lambda lab: _score(lab, "t_01", 2, slice="stage", slice_value="dev"), id="slice"
        ),
        pytest.param(
            lambda lab: lab.sql(
                f"update {CANDIDATES}.metric_observations set sample_size = 6 "
                "where metric_key = 'driver_score' and grain_key = 't_01'"
            ),
            id="how-many-answered",
        ),
        pytest.param(
            lambda lab: lab.sql(
                f"update {CANDIDATES}.metric_observations set denominator = 6 "
                "where metric_key = 'driver_score' and grain_key = 't_01'"
            ),
            id="how-many-there-were",
        ),
        pytest.param(
            lambda lab: lab.sql(
                f"update {CANDIDATES}.metric_observations set value = 2 "
                "where metric_key = 'driver_score' and grain_key = 't_01'"
            ),
            id="another-mean",
        ),
        pytest.param(
            lambda lab: (
                _answer(lab, 100, "555555", driver="autonomy"),
                _score(lab, "t_01", 5, slice_value="autonomy", lower_bound=3.7),
            ),
            id="ATK37-all-say-five",
        ),
        pytest.param(
            lambda lab: (
                _answer(lab, 100, "333333", driver="autonomy"),
                _score(lab, "t_01", 3, slice_value="autonomy", lower_bound=3, upper_bound=3),
            ),
            id="all-say-three-by-its-range",
        ),
        pytest.param(
            lambda lab: (
                _answer(lab, 100, "555551", driver="autonomy"),
                _favourable(lab, "t_01", 0.85, slice_value="autonomy"),
            ),
            id="one-on-the-other-side",
        ),
        pytest.param(
            lambda lab: (
                _answer(lab, 100, "555551", driver="autonomy"),
                _favourable(
                    lab, "t_01", None, slice_value="autonomy", lower_bound=0.9, upper_bound=1,
                    method="band",
                ),
            ),
            id="a-band-of-six",
        ),
        pytest.param(
            lambda lab: (
                _favourable(lab, "t_01", 0.5),
                _favourable(lab, "vs_1", 0.55, sample_size=10, **STREAM),
            ),
            id="a-share-that-its-sibling-and-parent-tell",
        ),
        pytest.param(
            lambda lab: (_invite(lab, "t_01", "vs_1", 1), _rate(lab, "t_01", 0.9)),
            id="ATK38-one-did-not-answer",
        ),
        pytest.param(
            lambda lab: (_rate(lab, "t_01", 1), _rate(lab, "vs_1", 0.7, sample_size=10, **STREAM)),
            id="a-rate-that-its-sibling-and-parent-tell",
        ),
        pytest.param(lambda lab: _rate(lab, "t_02", 0.9), id="another-rate"),
        pytest.param(lambda lab: _toil(lab, 18, sample_size=10), id="a-median-of-eighteen"),
        pytest.param(lambda lab: _toil(lab, 27, upper_bound=9), id="somebodys-extreme"),
        pytest.param(lambda lab: _toil(lab, 27, statistic="p85", value=8), id="a-tail-of-four"),
        pytest.param(lambda lab: _toil(lab, 27, statistic="mean"), id="a-mean-of-hours"),
    ],
)  # fmt: skip
def test_a_survey_that_tells_of_few_is_refused(lab: Lab, attack: Callable[[Lab], object]) -> None:
    _honest_survey(lab)
    attack(lab)
    refused(lab, "O13")


# O15: who uses a licensed tool.

SEATS = {"t_01": ("vs_1", 24, 12), "t_02": ("vs_1", 28, 14), "t_03": ("vs_2", 20, 4)} | {
    "t_04": ("vs_2", 20, 16)
}
TOTALS = {"vs_1": 52, "vs_2": 40, "all": 92}


def _band(lab: Lab, key: str, **changes: object) -> None:
    """Tell the half or fifth of the seats that somebody uses: half of them, in every group."""
    grain = "portfolio" if key == "all" else "value_stream" if key in TOTALS else "team"
    seats = TOTALS[key] if key in TOTALS else SEATS[key][1]
    told = {"metric_key": "ai_adoption", "grain": grain, "grain_key": key, "statistic": "share"}
    lower, upper = (0.4, 0.6) if seats >= 50 else (0.5, 1)
    band = {"value": None, "lower_bound": lower, "upper_bound": upper, "method": "band"}
    base = {"denominator": seats, "sample_size": seats}
    lab.observe(**told | band | base | changes)


def _weekly(lab: Lab) -> None:
    """Tell the same of the weeks: two of each seat."""
    for key in ("t_01", "t_02", *TOTALS):
        weeks = 2 * (TOTALS[key] if key in TOTALS else SEATS[key][1])
        base = {"denominator": weeks, "sample_size": weeks}
        _band(lab, key, metric_key="ai_weekly_adoption", **base)


def _return(lab: Lab, **changes: object) -> None:
    """Tell what 24 to 48 weeks at 1 to 3 hours of 50 bring, of a cost of 960."""
    cost = {"metric_key": "ai_cost", "grain": "team", "grain_key": "t_01", "statistic": "total"}
    lab.observe(**cost, value=960, lower_bound=960, upper_bound=960, sample_size=48)
    told = {"metric_key": "ai_return", "statistic": "return", "denominator": None}
    _band(
        lab, "t_01", **told | {"sample_size": 48, "lower_bound": 0.25, "upper_bound": 6.5} | changes
    )


def _value(lab: Lab, **changes: object) -> None:
    """Tell what they are worth beside it: 1,200 to 7,200."""
    told = {"metric_key": "ai_value", "statistic": "worth", "denominator": None}
    worth = {"sample_size": 48, "lower_bound": 1200, "upper_bound": 7200}
    _band(lab, "t_01", **told | worth | changes)


def _use(lab: Lab) -> None:
    """Two teams of vs_1 of which half use their seats, two of vs_2 of which one has four users."""
    lab.sql(
        """
        insert into flowgrain_seeds.metrics values
            ('ai_adoption', 'U', null, 'user', 'Seats used', 0.1),
            ('ai_weekly_adoption', 'U', null, 'user', 'Weeks of seats used', 0.1),
            ('ai_cost', 'S', null, null, 'Cost', 0.01),
            ('ai_value', 'U', null, 'user', 'Value', 0.01),
            ('ai_return', 'U', null, 'user', 'Return', 0.01);
        insert into flowgrain_seeds.teams values ('t_03', 'Refunds', 'default'),
            ('t_04', 'Runtime', 'default');
        """
    )
    for number, (team, (stream, seats, users)) in enumerate(SEATS.items()):
        for week in (QUARTER, "2026-01-05"):
            lab.sql(
                "insert into flowgrain_vault.int_ai_seats values "
                f"('{team}', '{stream}', '{QUARTER}', '{week}', {seats}, 0)"
            )
            for user in range(users):
                lab.sql(
                    "insert into flowgrain_vault.int_ai_use values "
                    f"('{team}', '{QUARTER}', '{week}', '{person(900 + 20 * number + user)}')"
                )


def _honest_use(lab: Lab) -> None:
    """Tell all that may be told: vs_2's teams are hidden, one of them only with the other."""
    _use(lab)
    for key in ("t_01", "t_02", *TOTALS):
        _band(lab, key)


def _told_of_t_01(lab: Lab, change: str) -> None:
    lab.sql(
        f"update {CANDIDATES}.metric_observations set {change} "
        "where metric_key = 'ai_adoption' and grain_key = 't_01'"
    )


def _move_in(lab: Lab, users: int) -> None:
    """Let people of t_02 have used a seat of t_01 in the first week, before they used theirs."""
    lab.sql(
        "insert into flowgrain_vault.int_ai_use "
        f"select distinct 't_01', date '{QUARTER}', date '{QUARTER}', person_key "
        "from flowgrain_vault.int_ai_use where team_key = 't_02' order by all "
        f"limit {users}"
    )


def _seats_of_t_01(lab: Lab, seats: int, where: str = "true") -> None:
    lab.sql(
        f"update flowgrain_vault.int_ai_seats set seats = {seats} where team_key = 't_01' "
        f"and {where}"
    )


def test_use_by_many_of_many_seats_passes(lab: Lab) -> None:
    _honest_use(lab)
    _weekly(lab)
    _return(lab)
    _value(lab)
    lab.publish()


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(lambda lab: _band(lab, "t_03"), id="four-users"),
        pytest.param(
            lambda lab: lab.sql(
                f"delete from {CANDIDATES}.metric_observations "
                "where metric_key = 'ai_adoption' and grain_key = 'vs_1'"
            ),
            id="below-a-hidden-value-stream",
        ),
        pytest.param(
            lambda lab: (
                _seats_of_t_01(lab, 19),
                _told_of_t_01(lab, "sample_size = 19, denominator = 19"),
            ),
            id="a-half-of-nineteen-seats",
        ),
        pytest.param(
            lambda lab: _told_of_t_01(lab, "lower_bound = 0.5, upper_bound = 0.6"),
            id="a-tenth-of-few-seats",
        ),
        pytest.param(lambda lab: _band(lab, "t_04"), id="beside-a-hidden-sibling"),
        pytest.param(
            lambda lab: (
                _move_in(lab, users=12),
                _seats_of_t_01(lab, 28),
                _told_of_t_01(lab, "sample_size = 28, denominator = 28"),
            ),
            id="four-seats-that-nobody-used",
        ),
        pytest.param(
            lambda lab: (_weekly(lab), _seats_of_t_01(lab, 12, f"week_start > '{QUARTER}'")),
            id="all-use-theirs-once-some-are-given-back",
        ),
        pytest.param(lambda lab: _told_of_t_01(lab, "value = 0.5"), id="the-share-itself"),
        pytest.param(lambda lab: _told_of_t_01(lab, "numerator = 12"), id="how-many-use-one"),
        pytest.param(lambda lab: _told_of_t_01(lab, "upper_bound = 0.6"), id="no-band"),
        pytest.param(
            lambda lab: _told_of_t_01(lab, "lower_bound = 0, upper_bound = 0.5"),
            id="another-tenth",
        ),
        pytest.param(lambda lab: _told_of_t_01(lab, "sample_size = 12"), id="users-for-seats"),
        pytest.param(
            lambda lab: lab.sql(
                f"update flowgrain_vault.int_ai_use set person_key = '{person(900)}' "
                f"where person_key in ('{person(901)}', '{person(902)}')"
            ),
            id="three-accounts-of-one-person",
        ),
        pytest.param(
            lambda lab: lab.sql(
                "update flowgrain_vault.int_ai_use set person_key = null where team_key = 't_01'"
            ),
            id="accounts-that-nobody-declared",
        ),
        pytest.param(
            lambda lab: lab.sql(
                "delete from flowgrain_vault.int_ai_use "
                "where team_key = 't_01' and week_start = '2026-01-05'; "
                "insert into flowgrain_vault.int_ai_use select 't_01', "
                f"date '{QUARTER}', date '{QUARTER}' + cast(7 * week as integer), '{person(900)}' "
                "from range(1, 13) as weeks(week)"
            ),
            id="more-than-half-of-the-weeks-are-somebodys",
        ),
        pytest.param(
            lambda lab: _band(lab, "t_01", bucket="week", bucket_start="2026-01-05"),
            id="weekly-trend",
        ),
        pytest.param(lambda lab: _band(lab, "t_01", grain="system"), id="of-a-system"),
        pytest.param(lambda lab: _band(lab, "t_01", slice="driver"), id="of-a-slice"),
        pytest.param(lambda lab: _return(lab), id="a-return-of-nothing-published"),
        pytest.param(
            lambda lab: (_weekly(lab), _return(lab, lower_bound=0.4)), id="another-return"
        ),
        pytest.param(
            lambda lab: (_weekly(lab), _return(lab, value=1.5)), id="a-return-to-the-point"
        ),
        pytest.param(
            lambda lab: (_weekly(lab), _return(lab), _value(lab, lower_bound=1300)),
            id="another-value",
        ),
    ],
)
def test_use_that_tells_of_few_is_refused(lab: Lab, attack: Callable[[Lab], object]) -> None:
    _honest_use(lab)
    attack(lab)
    refused(lab, "O15")


# O14: attrition.

YEAR_END = "2025-09-29"
# Nine teams, worst experience first: what six people of each say, and how many of forty left.
THIRDS = (
    *(("lowest", scores, left) for scores, left in (("111223", 9), ("112233", 8), ("122333", 7))),
    *(("middle", scores, left) for scores, left in (("222333", 4), ("223334", 3), ("233344", 3))),
    *(("highest", scores, left) for scores, left in (("333444", 4), ("334445", 3), ("344455", 3))),
)


def _attrition(lab: Lab) -> None:
    """Tell 24, 10 and 10 of 120 who left, worked by hand in observed_attrition.yml."""
    lab.sql(
        "insert into flowgrain_seeds.metrics values "
        "('driver_score', 'V', null, 'respondent', 'Mean', 0.1)"
    )
    for number, (_, scores, left) in enumerate(THIRDS, start=1):
        team = f"t_0{number}"
        if number > 2:
            lab.sql(f"insert into flowgrain_seeds.teams values ('{team}', 'Team', 'default')")
        answers = ", ".join(
            f"('{YEAR_END}', '{person(1000 + 10 * number + place)}', '{team}', 'vs_1', 'overall', "
            f"'agreement', {score})"
            for place, score in enumerate(scores)
        )
        lab.sql(f"insert into flowgrain_vault.int_survey_answers values {answers}")
        _score(
            lab, team, round(sum(map(int, scores)) / 6, 1), slice_value="overall", lower_bound=1,
            bucket_start=YEAR_END,
        )  # fmt: skip
        quarters = ("2024-12-30", "2025-03-31", "2025-06-30", YEAR_END)
        rows = ", ".join(
            f"('{start}', '{team}', 2025, {place}, 40, {left if place == 2 else 0})"
            for place, start in enumerate(quarters, start=1)
        )
        lab.sql(f"insert into flowgrain_vault.int_headcounts values {rows}")
    _leavers(lab, "lowest", 0.165, 0.116, 0.225, numerator=24, denominator=120)
    for third in ("middle", "highest"):
        _leavers(lab, third, 0.101, 0.062, 0.155, numerator=10, denominator=120)
    _leavers(lab, "all", 0.122, 0.092, 0.161, numerator=44, denominator=360, slice="all")
    gap = {"statistic": "difference", "method": "mover", "sample_size": 240}
    _leavers(lab, "lowest_less_highest", 0.064, -0.001, 0.128, **gap)


def _leavers(
    lab: Lab, third: str, value: float | None, lower: float, upper: float, **changes: object
) -> None:
    cell = {"metric_key": "attrition_risk", "grain": "portfolio", "grain_key": "all"}
    cell |= {"bucket_start": YEAR_END, "slice": "experience_third", "slice_value": third}
    told = {"statistic": "share", "method": "beta_logit", "value": value}
    told |= {"lower_bound": lower, "upper_bound": upper}
    lab.observe(**cell | told | {"sample_size": changes.get("denominator")} | changes)


def _bands(lab: Lab) -> None:
    """Of the lowest third nine left, of all 29: bands are told in the place of figures."""
    _left(lab, 3, "t_01", "t_02", "t_03")
    lab.sql(f"delete from {CANDIDATES}.metric_observations where metric_key = 'attrition_risk'")
    for third, years in (("lowest", 120), ("middle", 120), ("highest", 120), ("all", 360)):
        slice_ = {"slice": "all"} if third == "all" else {}
        _leavers(lab, third, None, 0, 0.1, method="band", sample_size=years, **slice_)


def _left(lab: Lab, count: int, *teams: str) -> None:
    """Let so many of each of these teams have left."""
    lab.sql(
        f"update flowgrain_vault.int_headcounts set leaver_count = {count} "
        f"where quarter_number = 2 and team_key in ({', '.join(repr(team) for team in teams)})"
    )


def _untell(lab: Lab, slice_value: str) -> None:
    lab.sql(
        f"delete from {CANDIDATES}.metric_observations "
        f"where metric_key = 'attrition_risk' and slice_value = '{slice_value}'"
    )


def _retell(lab: Lab, slice_value: str, change: str) -> None:
    lab.sql(
        f"update {CANDIDATES}.metric_observations set {change} "
        f"where metric_key = 'attrition_risk' and slice_value = '{slice_value}'"
    )


def test_attrition_of_thirds_of_many_passes(lab: Lab) -> None:
    _attrition(lab)
    lab.publish()


def test_bands_of_attrition_pass(lab: Lab) -> None:
    _attrition(lab)
    _bands(lab)
    lab.publish()


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(
            lambda lab: _leavers(lab, "all", 0.2, 0.1, 0.3, grain="team", grain_key="t_01"),
            id="of-a-team",
        ),
        pytest.param(
            lambda lab: _leavers(lab, "all", 0.2, 0.1, 0.3, grain="value_stream", grain_key="vs_1"),
            id="of-a-value-stream",
        ),
        pytest.param(
            lambda lab: _leavers(lab, "dev", 0.2, 0.1, 0.3, slice="stage"), id="another-slice"
        ),
        pytest.param(
            lambda lab: _leavers(lab, "lowest", 24, 20, 30, statistic="count"), id="how-many-left"
        ),
        pytest.param(
            lambda lab: _leavers(lab, "all", 0.1, 0.1, 0.2, bucket_start=QUARTER, slice="all"),
            id="a-year-that-overlaps",
        ),
        pytest.param(lambda lab: _left(lab, 2, "t_09"), id="nine-left-of-a-third"),
        pytest.param(lambda lab: _left(lab, 38, "t_01", "t_02", "t_03"), id="six-stayed"),
        pytest.param(lambda lab: _left(lab, 20, "t_01"), id="mostly-of-one-team"),
        pytest.param(
            lambda lab: (_left(lab, 11, "t_01", "t_02"), _left(lab, 1, "t_03")),
            id="the-second-team-knows-the-first",
        ),
        pytest.param(
            lambda lab: lab.sql(
                "update flowgrain_vault.int_headcounts set people_count = 90 "
                "where team_key = 't_09'"
            ),
            id="mostly-one-teams-people",
        ),
        pytest.param(
            lambda lab: lab.sql(
                "delete from flowgrain_vault.int_headcounts "
                "where team_key = 't_09' and quarter_number = 1"
            ),
            id="a-third-of-two-teams-and-a-year-of-three-quarters",
        ),
        pytest.param(
            lambda lab: lab.sql(
                f"update {CANDIDATES}.metric_observations set status = 'withheld', value = null, "
                "lower_bound = null, upper_bound = null, sample_size = null, method = null "
                "where metric_key = 'driver_score' and grain_key = 't_09'"
            ),
            id="a-team-without-a-told-score",
        ),
        pytest.param(lambda lab: _untell(lab, "highest"), id="a-whole-beside-a-hidden-third"),
        pytest.param(lambda lab: _untell(lab, "all"), id="thirds-without-their-whole"),
        pytest.param(lambda lab: _retell(lab, "lowest", "value = 0.2"), id="a-raw-rate"),
        pytest.param(lambda lab: _retell(lab, "lowest", "numerator = 23"), id="another-count"),
        pytest.param(lambda lab: _retell(lab, "lowest", "upper_bound = 0.2"), id="a-closer-range"),
        pytest.param(
            lambda lab: (_bands(lab), _left(lab, 5, "t_07", "t_08", "t_09")),
            id="a-band-above-a-tenth",
        ),
        pytest.param(
            lambda lab: (
                _bands(lab),
                lab.sql("update flowgrain_vault.int_headcounts set people_count = 32"),
            ),
            id="bands-of-fewer-than-a-hundred-person-years",
        ),
    ],
)
def test_attrition_that_tells_of_few_is_refused(lab: Lab, attack: Callable[[Lab], object]) -> None:
    _attrition(lab)
    attack(lab)
    refused(lab, "O14")


def test_nothing_but_attrition_is_sensitive(lab: Lab) -> None:
    lab.sql("update flowgrain_seeds.metrics set class = 'X' where metric_key = 'flow_load'")
    refused(lab, "C13")


def test_attrition_under_another_class_is_refused(lab: Lab) -> None:
    lab.sql("update flowgrain_seeds.metrics set class = 'S' where metric_key = 'attrition_risk'")
    refused(lab, "C13")


# C13, C12, O: people are counted anew.


def _hide(lab: Lab, count: int, where: str) -> None:
    """Let it be so many people fewer who did what was done: their accounts are not declared."""
    lab.sql(
        f"""
        update flowgrain_vault.int_activity set person_key = null
        where {where} and person_key in (
            select distinct person_key from flowgrain_vault.int_activity
            where {where} and person_key is not null
            order by person_key limit {count}
        )
        """
    )


@pytest.mark.parametrize("role", ["author", "reviewer"])
def test_four_people_in_any_role_are_too_few(lab: Lab, role: str) -> None:
    where = f"value_stream_key = 'vs_2' and role = '{role}' and author_kind = 'human'"
    _hide(lab, 1, where)
    lab.publish()
    _hide(lab, 1, where)
    refused(lab, "O01")


@pytest.mark.parametrize("given", ["1", "0", "-1", "4", "4.9", "", "null", "1 or 1=1", "ten"])
def test_k_is_never_lowered(lab: Lab, given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """ATK24: nothing is published under another k than a whole number from 5 on."""
    monkeypatch.setenv("FLOWGRAIN_MINIMUM_PEOPLE", given)
    refused(lab, "C19")


def test_k_may_be_raised(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six people stand behind each figure: enough for six, too few for seven."""
    monkeypatch.setenv("FLOWGRAIN_MINIMUM_PEOPLE", "6")
    lab.publish()
    assert '"k": 6,' in lab.home.release_report.read_text()
    monkeypatch.setenv("FLOWGRAIN_MINIMUM_PEOPLE", "7")
    refused(lab, "O01")


def test_bot_changes_need_their_reviewers_and_no_authors(lab: Lab) -> None:
    lab.sql(
        "delete from flowgrain_vault.int_activity where author_kind = 'bot' and role = 'author'"
    )
    lab.publish()
    _hide(lab, 2, "value_stream_key = 'vs_2' and author_kind = 'bot'")
    refused(lab, "O01")


def test_many_events_of_few_people_are_too_few(lab: Lab) -> None:
    _hide(lab, 2, "value_stream_key = 'vs_2'")
    lab.sql(
        "insert into flowgrain_vault.int_activity "
        "select * replace (change_key || '-again' as change_key) from flowgrain_vault.int_activity"
    )
    refused(lab, "O01")


def test_one_person_with_more_than_half_of_the_events_is_refused(lab: Lab) -> None:
    """ATK25, past the floor: O05 by the gate's own count."""
    where = "value_stream_key = 'vs_2' and population = 'merged' and role = 'author'"
    lab.sql(
        "update flowgrain_vault.int_activity set person_key = "
        f"(select min(person_key) from flowgrain_vault.int_activity where {where}) "
        f"where {where} and right(change_key, 1) in ('1', '2')"
    )
    lab.publish()
    lab.sql(
        "update flowgrain_vault.int_activity set person_key = "
        f"(select min(person_key) from flowgrain_vault.int_activity where {where}) "
        f"where {where} and right(change_key, 1) in ('3', '4')"
    )
    refused(lab, "O05")


def test_accounts_that_nobody_declared_are_one_who_may_have_done_most(lab: Lab) -> None:
    """B03: six declared people took part, and most was done by who knows whom."""
    lab.sql(
        "update flowgrain_vault.int_activity set person_key = null where value_stream_key = 'vs_2' "
        "and right(change_key, 1) in ('1', '2', '3', '4')"
    )
    refused(lab, "O05")


@pytest.mark.parametrize("sample_size", [-42, 41, 43, None])
def test_a_figure_of_other_changes_than_were_counted_is_refused(
    lab: Lab, sample_size: int | None
) -> None:
    """B04: a part of what was counted could be one person's, and so could what is added to it."""
    where = "metric_key = 'flow_velocity' and grain_key = 'vs_2' and slice = 'all'"
    size = "null" if sample_size is None else sample_size
    lab.sql(f"update {CANDIDATES}.metric_observations set sample_size = {size} where {where}")
    refused(lab, "B04")


@pytest.mark.parametrize(("statistic", "events", "rule"), [
    ("count", 9, "O03"), ("count", 10, None), ("p50", 19, "O04"), ("p50", 20, None),
    ("p85", 42, "O04"),
])  # fmt: skip
def test_a_figure_of_few_events_is_refused(
    lab: Lab, statistic: str, events: int, rule: str | None
) -> None:
    """ATK26: so many changes of enough people, and no more."""
    where = "value_stream_key = 'vs_2' and population = 'merged' and author_kind = 'human'"
    lab.sql(
        f"delete from flowgrain_vault.int_activity where {where} and change_key not in ("
        f"select distinct change_key from flowgrain_vault.int_activity where {where} "
        f"order by right(change_key, 1), change_key limit {events})"
    )
    observations = f"{CANDIDATES}.metric_observations"
    lab.sql(
        f"update {observations} set sample_size = {events}, statistic = '{statistic}' "
        "where metric_key = 'flow_velocity' and grain_key = 'vs_2' and slice = 'all'"
    )
    lab.sql(f"delete from {observations} where grain = 'portfolio'")
    if rule:
        refused(lab, rule)
    else:
        lab.publish()


@pytest.mark.parametrize(
    "cell",
    [
        {"grain": "team", "grain_key": "t_09"},
        {"grain_key": "t_01"},
        {"grain_key": "unassigned"},
        {"bucket": "week", "bucket_start": "2026-02-09"},
        {"bucket": "period", "bucket_start": "2026-02-23"},
        {"bucket_start": "2025-09-29"},
        {"metric_key": "flow_load", "grain_key": "vs_2"},
        {"slice": "severity", "slice_value": "high"},
        {"slice": None, "slice_value": None},
        {"value": None, "lower_bound": 0, "upper_bound": 0.1, "grain_key": "t_09"},
    ],
    ids=str,
)
def test_a_figure_where_too_few_were_active_is_refused(lab: Lab, cell: dict[str, object]) -> None:
    lab.observe(**cell)
    refused(lab, "O01")


def test_open_work_counts_at_the_end_of_its_bucket_only(lab: Lab) -> None:
    lab.observe(metric_key="flow_load", bucket="period", bucket_start="2026-02-23")
    lab.publish()
    lab.observe(metric_key="flow_load", bucket="period", bucket_start="2025-12-29")
    refused(lab, "O01")


@pytest.mark.parametrize("people", [0, 2, 3])
def test_a_service_of_two_people_is_told_one_level_up(lab: Lab, people: int) -> None:
    """Its deployments would be theirs; three in the two quarters before the end are enough."""
    lab.sql(
        "delete from flowgrain_candidate.metric_observations where metric_key != 'mapped_share'"
    )
    lab.sql("delete from flowgrain_candidate.wait_intensity")
    lab.sql("delete from flowgrain_candidate.findings")
    lab.sql(
        "delete from flowgrain_vault.int_activity where team_key = 't_02' and person_key not in "
        "(select distinct person_key from flowgrain_vault.int_activity where team_key = 't_02' "
        f"order by person_key limit {people})"
    )
    lab.observe(metric_key="mapped_share", grain="team", grain_key="t_02", method="wilson")
    if people < 3:
        refused(lab, "O17")
    else:
        assert lab.publish()


@pytest.mark.parametrize(
    "column", ["value", "lower_bound", "upper_bound", "numerator", "denominator", "sample_size"]
)
@pytest.mark.parametrize("status", ["withheld", "no_data", "OK", None])
def test_a_row_that_is_not_ok_tells_nothing(lab: Lab, column: str, status: str | None) -> None:
    empty = dict.fromkeys(
        ["value", "lower_bound", "upper_bound", "numerator", "denominator", "sample_size", "method"]
    )
    lab.observe(**{**empty, column: 3}, status=status, grain_key="t_09")
    refused(lab, "O08")


@pytest.mark.parametrize(
    ("column", "figure"), [("wait_share", "0.1"), ("sample_size", "1"), ("is_binding", "true")]
)
@pytest.mark.parametrize("status", ["ok", "withheld"])
def test_a_wide_mart_tells_no_more_than_its_observations(
    lab: Lab, column: str, figure: str, status: str
) -> None:
    lab.sql(
        f"""
        insert into {CANDIDATES}.wait_intensity
            (grain, grain_key, bucket, bucket_start, stage, {column}, status, as_of)
        values
            ('portfolio', 'all', 'quarter', '2025-12-29', 'dev', {figure}, '{status}', '2026-04-10')
        """
    )
    refused(lab, "O01")


@pytest.mark.parametrize("table", ["wait_intensity", "dim_value_stream"])
@pytest.mark.parametrize(
    ("column", "kind", "told"),
    [("is_revenue_critical", "boolean", "true"), ("criticality", "varchar", "'high'")],
)
def test_a_column_of_systems_says_what_the_organisation_does(
    lab: Lab, table: str, column: str, kind: str, told: str
) -> None:
    lab.add_column(table, column, kind, told)
    refused(lab, "O01")


@pytest.mark.parametrize(
    "change",
    [
        "update flowgrain_seeds.metrics set class = 'S' where metric_key = 'flow_velocity'",
        "update flowgrain_seeds.metrics set class = 'S', subjects = null "
        "where metric_key = 'flow_velocity'",
        "update flowgrain_seeds.metrics set class = 'p' where metric_key = 'flow_velocity'",
        "update flowgrain_seeds.metrics set subjects = null where metric_key = 'flow_velocity'",
        "update flowgrain_seeds.metrics set subjects = 'owner' where metric_key = 'flow_velocity'",
        "insert into flowgrain_seeds.metrics values ('flow_velocity', 'S', null, null, 'Again', 1)",
    ],
)
def test_a_metric_cannot_be_declared_out_of_the_floor(lab: Lab, change: str) -> None:
    lab.sql(change)
    refused(lab, "C13")


@pytest.mark.parametrize(
    "cell",
    [
        {"bucket_start": "2025-12-30"},
        {"bucket_start": "2026-01-05"},
        {"bucket": "month", "bucket_start": "2026-02-01"},
        {"bucket": "period", "bucket_start": "2026-02-02"},
        {"grain": "person"},
        {"metric_key": "unheard_of"},
    ],
    ids=str,
)
def test_a_cell_off_the_trees_is_refused(lab: Lab, cell: dict[str, object]) -> None:
    lab.observe(**cell)
    refused(lab, "C12")


def test_a_bucket_that_is_not_over_is_refused(lab: Lab) -> None:
    lab.observe(bucket="week", bucket_start="2026-04-06", status="withheld", value=None)
    refused(lab, "O09")


# V: what is written in the file.


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("dim_team", "team_label"),
        ("dim_team", "value_stream_key"),
        ("dim_metric", "definition"),
        ("wait_intensity", "stage"),
        ("wait_intensity", "status"),
        ("metric_observations", "method"),
        ("metric_observations", "slice_value"),
    ],
)
def test_a_text_that_is_not_registered_is_refused(lab: Lab, table: str, column: str) -> None:
    secret = "harmless-looking-7"
    one_row = f"(select max(rowid) from {CANDIDATES}.{table}"
    one_row += " where status = 'ok')" if column == "method" else ")"
    lab.sql(f"update {CANDIDATES}.{table} set {column} = '{secret}' where rowid = {one_row}")
    assert f"{table} {column}" in refused(lab, "V01", secret)


def test_a_registered_text_in_a_column_that_is_not_its_own_is_refused(lab: Lab) -> None:
    lab.sql(f"update {CANDIDATES}.wait_intensity set stage = 'Checkout' where stage = 'dev'")
    refused(lab, "V01")


@pytest.mark.parametrize(
    "change",
    [
        "sentence = 'Payments waits in Review: 34 % (30 % to 40 %).'",
        "sentence = 'Payments waits in Dev: 35 % (30 % to 40 %).'",
        "sentence = 'Accounting waits in Review: 35 % (30 % to 40 %).'",
        "sentence = sentence || ' Ask Ledger.'",
        "sentence = null",
        "value = 0.2",
        "finding = 'metric_key'",
    ],
)
def test_a_sentence_says_what_its_figures_do(lab: Lab, change: str) -> None:
    lab.sql(f"update {CANDIDATES}.findings set {change}")
    refused(lab, "V01")


def test_a_mart_of_series_stands_on_the_series_that_it_names(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another metric of the cell that passed does not speak for one that did not."""
    monkeypatch.delitem(DERIVED_FROM, "findings")
    lab.add_column("findings", "metric_key", "string", "'wait_share'")
    assert lab.publish()
    lab.sql(f"update {CANDIDATES}.findings set metric_key = 'attrition_risk'")
    refused(lab, "O01")


def test_a_finding_of_a_cell_in_which_nothing_passed_is_refused(lab: Lab) -> None:
    lab.sql(
        f"""
        insert into {CANDIDATES}.findings
        select * replace ('week' as bucket, date '2026-02-09' as bucket_start)
        from {CANDIDATES}.findings
        """
    )
    refused(lab, "O01")


def test_catalogue_texts_stay_with_their_metric(lab: Lab) -> None:
    lab.sql(f"update {CANDIDATES}.dim_metric set definition = 'Changes merged'")
    refused(lab, "V01")


FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper": str.upper,
    "full width": lambda text: "".join(chr(ord(c) + 0xFEE0) for c in text),
    "zero width": lambda text: "\u200b".join(text),
    "quoted for a URL": lambda text: "".join(f"%{ord(c):02X}" for c in text),
    "quoted twice": lambda text: "".join(f"%25{ord(c):02X}" for c in text),
    "reversed": lambda text: text[::-1],
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "hex": lambda text: text.encode().hex(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 without its end": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "md5": lambda text: hashlib.md5(text.encode()).hexdigest(),
    "sha1": lambda text: hashlib.sha1(text.encode()).hexdigest(),
    "sha256": lambda text: hashlib.sha256(text.encode()).hexdigest(),
}


def _label(lab: Lab, text: str) -> None:
    """Register a label and publish it: the closed vocabulary alone would pass it."""
    with lab.vault() as connection:
        for table in ("flowgrain_seeds.teams", f"{CANDIDATES}.dim_team"):
            connection.execute(f"update {table} set team_label = ? where team_key = 't_01'", [text])


def _define(lab: Lab, text: str) -> None:
    """Put a text into the catalogue and publish it: no admission stands before the file's scan."""
    with lab.vault() as connection:
        for table in ("flowgrain_seeds.metrics", f"{CANDIDATES}.dim_metric"):
            connection.execute(
                f"update {table} set definition = ? where metric_key = 'flow_velocity'", [text]
            )


@pytest.mark.parametrize("form", FORMS)
def test_a_label_that_is_somebody_in_any_form_is_refused(lab: Lab, form: str) -> None:
    """Nobody's name becomes vocabulary, and the file is scanned for it again."""
    label = FORMS[form](CANARY)
    _label(lab, label)
    assert "teams team_label 1:" in refused(lab, "V07", label)
    _label(lab, "Checkout")
    _define(lab, label)
    assert "dim_metric definition 1:" in refused(lab, "V02", label)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("who", [CANARY, CANARY_LOGIN, SHORT_CANARY, person(10)])
def test_every_known_identifier_is_recognised_in_every_form(form: str, who: str) -> None:
    known = known_forms([CANARY, CANARY_LOGIN, SHORT_CANARY, person(10)])
    assert names_somebody(FORMS[form](who), known)
    assert not names_somebody(FORMS[form](who), known_forms(["somebody.else"]))


@pytest.mark.parametrize("who", [SHORT_CANARY, person(10)])
def test_the_map_of_accounts_and_the_keys_of_the_vault_are_both_known(lab: Lab, who: str) -> None:
    _label(lab, who)
    refused(lab, "V07")
    _label(lab, "Checkout")
    _define(lab, who)
    refused(lab, "V02")


@given(st.text(max_size=80))
def test_no_text_is_too_strange_to_be_read(text: str) -> None:
    assert not names_somebody(text, known_forms([CANARY]))
    has_pattern(text)


@pytest.mark.parametrize(
    "label",
    [
        f"Team of {CANARY_LOGIN}",
        f"({CANARY_LOGIN})",
        f"checkout/{CANARY_LOGIN}/pages",
        f"key {hashlib.sha1(CANARY_LOGIN.encode()).hexdigest()}",
    ],
)
def test_a_label_that_holds_somebody_is_refused(lab: Lab, label: str) -> None:
    _label(lab, label)
    refused(lab, "V07", label)
    _label(lab, "Checkout")
    _define(lab, label)
    refused(lab, "V02", label)


@pytest.mark.parametrize(
    "label",
    [
        "someone@elsewhere.invalid",
        "ask @someone",
        "https://elsewhere.invalid/x",
        "users/someone/dotfiles",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "123e4567-e89b-12d3-a456-426614174000",
        "p2" + "abcdefghijklmnopqrstuvwxyz",
    ],
)
def test_a_label_that_looks_like_somebody_is_refused(lab: Lab, label: str) -> None:
    _label(lab, label)
    refused(lab, "V07", label)
    _label(lab, "Checkout")
    _define(lab, label)
    refused(lab, "V03", label)


@pytest.mark.parametrize(
    ("seed", "column", "row"),
    [
        ("systems", "system_label", "('s_09', 'users/zoe.canary/dotfiles', 'high', true)"),
        ("systems", "system_key", f"('{CANARY_LOGIN}', 'Dotfiles', 'high', true)"),
        ("systems", "criticality", f"('s_09', 'Dotfiles', '{CANARY_LOGIN}', true)"),
        ("teams", "team_label", f"('t_09', 'Of {CANARY_LOGIN}', 'default')"),
        ("teams", "team_key", f"('{person(10)}', 'Nine', 'default')"),
        ("teams", "team_key", "('t 09', 'Nine', 'default')"),
        ("teams", "team_key", "('t_09;', 'Nine', 'default')"),
        ("teams", "team_key", "('t_ü', 'Nine', 'default')"),
        ("teams", "team_key", "('./t_09', 'Nine', 'default')"),
        ("value_streams", "value_stream_key", "('-vs', 'Nine')"),
        ("value_streams", "value_stream_label", f"('vs_9', '{SHORT_CANARY}')"),
    ],
)
def test_what_no_table_shows_yet_is_refused_as_well(
    lab: Lab, seed: str, column: str, row: str
) -> None:
    """ATK12: what is registered is vocabulary from then on, wherever it may come to stand."""
    lab.sql(f"insert into flowgrain_seeds.{seed} values {row}")
    said = refused(lab, "V07", "dotfiles", "t_09", "vs_9")
    assert f"GL-V07 {seed} {column} 1:" in said
    assert "alias" in said


@pytest.mark.parametrize("key", ["t_01", "T-01", "payments.core", "shop/checkout", "7", "_x"])
def test_a_plain_key_is_admitted(lab: Lab, key: str) -> None:
    lab.sql(f"insert into flowgrain_seeds.teams values ('{key}-a', 'Another', 'new_york')")
    lab.publish()


@pytest.mark.parametrize(
    "label",
    [
        '=HYPERLINK("x")',
        "+1",
        "-1",
        "@SUM(A1)",
        "\tChecks",
        "\rChecks",
        " =1+1",
        "\uff1d1+1",
        "\u200b=1+1",
    ],
)  # fmt: skip
def test_a_label_that_a_spreadsheet_would_run_is_refused(lab: Lab, label: str) -> None:
    _label(lab, label)
    assert "teams team_label 1:" in refused(lab, "V07", label)


@pytest.mark.parametrize(
    "label", ["Check\x00out", "Check\nout", "\x1b[31mCheckout", "Check\x9bout"]
)
def test_a_label_that_a_screen_would_obey_is_refused(lab: Lab, label: str) -> None:
    _label(lab, label)
    assert "hold control characters" in refused(lab, "V07", label)


def test_a_number_that_is_somebodys_account_is_refused(lab: Lab) -> None:
    """ATK08: an id of an account under the name of a measure."""
    with (lab.home.door / "identities.csv").open("a") as file:
        file.write("10203040,10203040\n77,77\n")
    lab.publish()
    lab.add_column("dim_team", "system_ref", "bigint", "77")
    lab.publish()
    lab.sql(f"update {CANDIDATES}.dim_team set system_ref = 10203040 where team_key = 't_01'")
    assert "dim_team system_ref 1" in refused(lab, "V03", "10203040")


def test_a_label_with_a_common_word_passes(lab: Lab) -> None:
    _label(lab, "Zoe's checkout, e.g. page 2")
    lab.publish()


@pytest.mark.parametrize(
    ("text", "rule"), [(f"Ask {CANARY_LOGIN}.", "V02"), ("Ask a@b.invalid.", "V03")]
)
def test_a_description_is_held_against_the_rules_as_well(lab: Lab, text: str, rule: str) -> None:
    with lab.node("dim_team") as node:
        node["columns"]["team_label"]["description"] = text
    refused(lab, rule, text)


# K04, B06, S: loads and places.


@pytest.mark.parametrize(
    "statement",
    [
        "create view more.marts.everybody as select 1 as number",
        "create macro more.marts.everybody() as 1",
        "create type more.marts.everybody as enum ('a')",
        "create sequence more.marts.everybody",
        "create index everybody on more.marts.plain (number)",
        "create table more.main.everybody (number bigint)",
    ],
)
def test_a_file_with_more_than_tables_is_refused(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "next.duckdb"
    connection = duckdb.connect()
    connection.execute(f"attach '{path}' as more")
    connection.execute("create schema more.marts")
    connection.execute("create table more.marts.plain (number bigint)")
    connection.execute("detach more")
    declared = (Candidate("plain", "", (Column("number", "BIGINT", ""),)),)
    registered = Registered(frozenset(), frozenset(), {})
    assert "S02" in check_file(path, declared, registered, known_forms([]))
    connection.execute(f"attach '{path}' as more")
    connection.execute(statement)
    connection.close()
    with pytest.raises(FlowgrainError) as caught:
        check_file(path, declared, registered, known_forms([]))
    assert caught.value.rule == "S02"


def _spoil_what_is_written(monkeypatch: pytest.MonkeyPatch, statement: str) -> None:
    """Let something else have its hand in the file, between its writing and its check."""

    def write(connection: duckdb.DuckDBPyConnection, *others: object) -> None:
        path = others[-1]
        WRITE(connection, *others)
        connection.execute(f"attach '{path}' as next (storage_version 'v1.2.0')")
        connection.execute("use next.marts")
        connection.execute(statement)
        connection.execute("use memory")
        connection.execute("detach next")

    monkeypatch.setattr(publish, "_write", write)


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("comment on column dim_team.team_label is 'of zoe-the-3rd'", "dim_team team_label"),
        ("comment on column dim_team.team_label is null", "dim_team team_label"),
        ("comment on table dim_team is 'of zoe-the-3rd'", "dim_team *"),
        ("alter table dim_team alter team_label set default 'zoe-the-3rd'", "dim_team *"),
        ("alter table dim_team alter team_key set not null", "dim_team *"),
        ("alter table dim_team alter team_label type varchar collate nocase", "dim_team *"),
        ("alter table wait_intensity alter sample_size type integer", "wait_intensity *"),
        ("alter table dim_team add column zoe_the_3rd bigint", "dim_team *"),
        ("alter table dim_team drop team_label", "dim_team *"),
        ("alter table dim_team rename team_label to label", "dim_team *"),
        ("drop table dim_team", "dim_team *"),
        ("alter table dim_team rename to zoe_the_3rd", "dim_team *"),
        ("create table zoe_the_3rd (number bigint)", "marts.duckdb *"),
        ("create schema next.zoe_the_3rd", "marts.duckdb *"),
        (
            "create or replace table dim_team "
            "(team_label varchar, team_key varchar, value_stream_key varchar)",
            "dim_team *",
        ),
        (
            "create or replace table dim_team (team_key varchar, team_label varchar, "
            "value_stream_key varchar check (value_stream_key != 'zoe-the-3rd'))",
            "dim_team *",
        ),
        (
            "create or replace table dim_team (team_key varchar, team_label varchar, "
            "value_stream_key varchar generated always as ('zoe-the-3rd'))",
            "dim_team *",
        ),
    ],
)
def test_a_file_that_says_more_than_was_declared_is_refused(
    lab: Lab, statement: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _spoil_what_is_written(monkeypatch, statement)
    assert f"GL-V05 {place} " in refused(lab, "V05", "zoe-the-3rd", "zoe_the_3rd")


def test_two_keys_in_one_vault_are_refused(lab: Lab) -> None:
    lab.sql("insert into door.loads select * replace ('ffff0000' as key_id) from door.loads")
    refused(lab, "K04")


def test_rows_that_were_lost_are_refused(lab: Lab) -> None:
    lab.sql("update door.load_counts set rows_inserted = 4")
    refused(lab, "B06")


def test_a_source_nobody_registered_is_refused(lab: Lab) -> None:
    lab.sql(f"update door.load_counts set source = '{CANARY_LOGIN}'")
    refused(lab, "V01")


def test_a_link_in_place_of_the_published_file_is_refused(lab: Lab) -> None:
    other = lab.home.root / "elsewhere.duckdb"
    lab.home.published.rename(other)
    lab.home.published.symlink_to(other)
    refused(lab, "S01")


def test_a_link_in_place_of_the_published_folder_is_refused(lab: Lab) -> None:
    folder = lab.home.published.parent
    folder.rename(lab.home.root / "elsewhere")
    folder.symlink_to(lab.home.root / "elsewhere")
    refused(lab, "S01")


def test_a_published_folder_inside_the_vault_is_refused(lab: Lab) -> None:
    folder = lab.home.published.parent
    shutil.rmtree(folder)
    folder.symlink_to(lab.home.vault.parent)
    refused(lab, "S01")


def test_one_file_on_both_sides_is_refused(lab: Lab) -> None:
    lab.home.published.unlink()
    os.link(lab.home.vault, lab.home.published)
    refused(lab, "S01")


@pytest.mark.parametrize("folder", ["door", "vault", "vault/ops"])
@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701])
def test_a_vault_that_is_open_to_others_is_refused_and_stays_so(
    lab: Lab, folder: str, mode: int
) -> None:
    (lab.home.root / folder).chmod(mode)
    refused(lab, "S01")
    refused(lab, "S01")


def test_prod_with_one_owner_is_refused(lab: Lab) -> None:
    refused(lab, "S01", target="prod")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two accounts")
def test_another_account_reads_the_release_and_nothing_of_the_vault(lab: Lab) -> None:
    """ATK47: with target prod the published folder is another account's; readers are a third."""
    publisher, reader = 65533, 65534
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        home = Home(Path(folder) / "home")
        shutil.copytree(lab.home.root, home.root)
        os.chown(home.published.parent, publisher, publisher)
        release(home, lab.manifest(), target="prod")
        for path in (home.vault, home.door / "identities.csv", home.target / "manifest.json"):
            read = subprocess.run(["cat", path], user=reader, capture_output=True, check=False)
            assert (read.returncode, read.stdout) == (1, b"")
            assert b"denied" in read.stderr
        read = subprocess.run(["cat", home.published], user=reader, capture_output=True, check=True)
        assert read.stdout == home.published.read_bytes()


def test_what_an_older_publisher_left_is_swept(lab: Lab) -> None:
    folder = lab.home.published.parent
    for name in ("marts.duckdb.next-1", "marts.duckdb.next-1.wal", "marts.duckdb.wal"):
        (folder / name).write_bytes(b"left over")
    (folder / "release_report.json.next").write_text("{}")
    lab.publish()
    assert set(lab.published_state()) == {"marts.duckdb", "release_report.json"}
    verify(lab.home)


def test_a_release_whose_report_was_not_renamed_yet_is_whole_and_mended(lab: Lab) -> None:
    old_report = lab.home.release_report.read_bytes()
    lab.sql(f"update {CANDIDATES}.metric_observations set value = 41 where value = 40")
    lab.publish()
    new_report = lab.home.release_report.read_bytes()
    lab.home.release_report.with_name("release_report.json.next").write_bytes(new_report)
    lab.home.release_report.write_bytes(old_report)
    verify(lab.home)
    _label(lab, "not@registered.invalid")
    with pytest.raises(FlowgrainError):
        lab.publish()
    assert lab.home.release_report.read_bytes() == new_report
    verify(lab.home)


def test_an_error_of_a_tool_is_not_told_in_its_own_words(lab: Lab) -> None:
    lab.sql("drop table flowgrain_vault.int_activity")
    lab.sql(
        "create view flowgrain_vault.int_activity as "
        f"select '{CANARY}'::int as person_key, now()::timestamp as counted_at"
    )
    with pytest.raises(FlowgrainError) as caught:
        lab.publish()
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_full_disk_is_said_clearly_and_leaves_the_old_release(lab: Lab) -> None:
    before = lab.published_state()
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from orchestration.errors import FlowgrainError\n"
        "sys.path.insert(0, 'tests/attacks')\n"
        "from publish_lab import Lab\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try:\n"
        "    Lab.at(Path(sys.argv[1])).publish()\n"
        "except FlowgrainError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(lab.home.root)],
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert str(lab.home.published.parent) in done.stdout, done.stderr
    assert "full" in done.stdout
    assert lab.published_state() == before
    verify(lab.home)


# Verify.


def test_a_changed_file_is_noticed(lab: Lab) -> None:
    lab.home.published.chmod(0o644)
    connection = duckdb.connect(str(lab.home.published))
    connection.execute("use marts.marts")
    connection.execute("update metric_observations set value = value + 1 where value is not null")
    connection.close()
    lab.home.published.chmod(0o444)
    with pytest.raises(FlowgrainError) as caught:
        verify(lab.home)
    assert caught.value.rule == "S03"


def test_another_table_in_the_file_is_noticed(lab: Lab) -> None:
    lab.home.published.chmod(0o644)
    connection = duckdb.connect(str(lab.home.published))
    connection.execute("create table marts.marts.more as select 1 as number")
    connection.close()
    lab.home.published.chmod(0o444)
    with pytest.raises(FlowgrainError) as caught:
        verify(lab.home)
    assert caught.value.rule == "S03"


@pytest.mark.parametrize("mode", [0o644, 0o666, 0o400])
def test_a_wrong_mode_is_noticed(lab: Lab, mode: int) -> None:
    lab.home.published.chmod(mode)
    with pytest.raises(FlowgrainError) as caught:
        verify(lab.home)
    assert caught.value.rule == "S01"


def test_a_log_beside_the_file_is_noticed(lab: Lab) -> None:
    lab.home.published.with_name("marts.duckdb.wal").touch()
    with pytest.raises(FlowgrainError) as caught:
        verify(lab.home)
    assert caught.value.rule == "S03"


def test_a_missing_or_unreadable_release_is_said(lab: Lab) -> None:
    lab.home.release_report.unlink()
    with pytest.raises(FlowgrainError):
        verify(lab.home)
    lab.home.published.chmod(0o644)
    lab.home.published.write_bytes(b"no database")
    lab.home.published.chmod(0o444)
    with pytest.raises(FlowgrainError):
        verify(lab.home)
    lab.home.published.unlink()
    with pytest.raises(FlowgrainError):
        verify(lab.home)


# The calendar.

DAYS = st.dates(min_value=date(1990, 1, 1), max_value=date(2099, 12, 31))


@given(DAYS)
def test_each_day_lies_in_one_bucket_of_each_level_and_they_nest(day: date) -> None:
    for finer, coarser in (("week", "period"), ("period", "quarter")):
        assert bucket_start(day, finer) <= day < bucket_end(day, finer)
        assert bucket_start(bucket_start(day, finer), coarser) == bucket_start(day, coarser)
        assert bucket_end(day, finer) <= bucket_end(day, coarser)
    weeks = (bucket_end(day, "quarter") - bucket_start(day, "quarter")) // timedelta(days=7)
    periods = []
    start = bucket_start(day, "quarter")
    while start < bucket_end(day, "quarter"):
        periods.append((bucket_end(start, "period") - start) // timedelta(days=7))
        start = bucket_end(start, "period")
    assert (weeks, periods) in ((13, [4, 4, 5]), (14, [4, 4, 6]))


def test_the_week_53_belongs_to_the_last_period() -> None:
    assert bucket_start(date(2020, 12, 31), "quarter") == date(2020, 9, 28)
    assert bucket_start(date(2020, 12, 31), "period") == date(2020, 11, 23)
    assert bucket_end(date(2020, 12, 31), "quarter") == date(2021, 1, 4)
    assert is_last_week(date(2020, 12, 31), "quarter")
    assert not is_last_week(date(2020, 12, 27), "quarter")
