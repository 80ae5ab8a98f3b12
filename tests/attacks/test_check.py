"""What `flowgrain check` refuses, with no database: the compile-time half of the attack suite.

Each attack is an edit by somebody who may commit to the project. The number is the attack's in
grain-lock's catalogue. An attack may break several rules; the one it was made for must be told.
"""

import copy
import csv
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from project_lab import ProjectLab
from publish_lab import CANARY, CANARY_LOGIN

from orchestration.floor_guard.pins import PINS
from orchestration.floor_guard.project import REMEDIES, check_project
from orchestration.floor_guard.rules import Finding
from orchestration.home import PROJECT

ACTIVITY = "{{ ref('int_activity') }}"
OBSERVATIONS = "{{ ref('floor_observations') }}"
PERSON_WEEK = f"select team_key, person_key, count(*) as n from {ACTIVITY} group by 1, 2"


@pytest.fixture
def project(compiled: dict[str, Any]) -> ProjectLab:
    """A project to spoil."""
    return ProjectLab(compiled)


def told(
    project: ProjectLab, rule: str, name: str = "attack", column: str | None = None
) -> Finding:
    """The finding of this rule on this model; no finding may hold what a canary is called."""
    findings = project.findings()
    for finding in findings:
        for secret in (CANARY, CANARY_LOGIN, "zoe"):
            assert secret.casefold() not in str(finding).casefold()
    found = [
        finding
        for finding in findings
        if finding.rule == rule
        and finding.name == name
        and (column is None or finding.column == column)
    ]
    assert found, [f"{finding.rule} {finding.name} {finding.column}" for finding in findings]
    return found[0]


# The honest project, and what a finding tells.


def test_the_honest_project_has_no_findings(compiled: dict[str, Any]) -> None:
    assert check_project(compiled, PROJECT) == []


def test_an_honest_mart_has_no_findings(project: ProjectLab) -> None:
    """What an analyst adds: a figure that the floor let through, pivoted and joined to a label."""
    project.add(
        "honest",
        f"""
        with observations as (
            select * from {OBSERVATIONS} where metric_key = 'stage_wait' and bucket = 'quarter'
        )

        select
            teams.team_label,
            observations.bucket_start,
            max(case when observations.slice_value = 'review' then observations.value end)
                as review_wait_hours
        from observations
        inner join {{{{ ref('teams') }}}} as teams on observations.grain_key = teams.team_key
        group by teams.team_label, observations.bucket_start
        """,
        types={
            "team_label": "string", "bucket_start": "date", "review_wait_hours": "numeric(18, 4)",
        },
    )  # fmt: skip
    assert project.findings() == []


def test_a_finding_names_rule_file_line_column_and_what_to_write(project: ProjectLab) -> None:
    project.add(
        "attack", f"select\n    team_key,\n    min(person_key) as top\nfrom {ACTIVITY}\ngroup by 1"
    )
    text = str(told(project, "C13", column="person_key"))
    assert text.startswith("GL-C13 models/marts/attack.sql:3 attack person_key: ")
    assert REMEDIES["C13"][0] in text
    assert ", e.g. " in text


def test_the_line_is_that_of_the_models_file_not_of_what_dbt_made_of_it(
    project: ProjectLab,
) -> None:
    node = project.node("flow_efficiency")
    node["raw_code"] += "\n-- {{ x }}\nwhere person_key = 'p'\n"
    node["compiled_code"] += "\n\n\n\nwhere person_key = 'p'\n"
    found = told(project, "C04", "flow_efficiency", "person_key")
    assert found.line == len(node["raw_code"].splitlines())


def copied(folder: Path) -> Path:
    """Copy the project, so that an attack may change a file of it."""
    copy_ = folder / "project"
    ignored = shutil.ignore_patterns(".git", ".venv", ".flowgrain", ".organisation", "tests")
    shutil.copytree(PROJECT, copy_, ignore=ignored)
    shutil.copytree(PROJECT / "tests/generic", copy_ / "tests/generic")
    return copy_


def checked(copy_: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `flowgrain check` in a copy of the project."""
    return subprocess.run(
        [sys.executable, "-c", "from orchestration.cli import app; app()", "check"],
        cwd=copy_,
        env={"PATH": str(Path(sys.executable).parent) + ":/usr/bin:/bin", "HOME": str(folder),
             "FLOWGRAIN_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip


def test_the_command_exits_3_and_lists_every_finding(tmp_path: Path) -> None:
    """A leaking mart in a copy of the project; dbt itself would compile it."""
    copy_ = copied(tmp_path)
    marts = copy_ / "models" / "marts" / "flow"
    (marts / "leak.sql").write_text(
        "select\n    min(grain_key) as label,\n    hash(grain_key) as h\n"
        "from {{ ref('floor_observations') }}\n"
    )
    (marts / "leak.yml").write_text(
        "models:\n  - name: leak\n    description: One row.\n    columns:\n"
        "      - {name: label, data_type: string, description: L.}\n"
        "      - {name: h, data_type: bigint, description: H.}\n"
    )
    done = checked(copy_, tmp_path)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "GL-C10 models/marts/flow/leak.sql:3 leak hash: " in done.stdout
    assert "GL-C10" in done.stderr


# 5.1 Identifiers.


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        pytest.param(
            "select team_key, person_key, count(*) as n from {a} group by 1, 2", "C05", id="ATK01"
        ),
        pytest.param(
            "select distinct on (grain_key) grain_key from {o} order by grain_key", "C03",
            id="distinct-on",
        ),
        pytest.param(
            "select grain_key from {o} order by (select max(person_key) from flowgrain_vault.x)",
            "C03", id="order-by-what-is-not-read",
        ),
        pytest.param(
            "select grain_key from {o} union all select grain_key from {o} order by 1 limit 1",
            "C03", id="part-of-a-union",
        ),
        pytest.param("select columns('^per.o') from {a}", "C10", id="columns"),
        pytest.param(
            "select case person_key when 'p1' then 1 else 0 end as n from {a}", "C09", id="case"
        ),
        pytest.param("select nullif(person_key, 'p1') is null as n from {a}", "C09", id="nullif"),
        pytest.param(
            "select team_key, avg(length(change_key)) over (order by counted_at rows between "
            "current row and current row) as n from {a}", "C05", id="window-of-one-row",
        ),
        pytest.param(
            "select team_key, min(person_key) as top_system from {a} group by 1", "C05", id="ATK02"
        ),
        *(
            pytest.param(f"select team_key, {call} as h from {{a}}", "C05", id=f"ATK03-{call[:4]}")
            for call in ("md5(person_key)", "hash(person_key)", "sha256(person_key)")
        ),
        *(
            pytest.param(
                f"select team_key, {call} as h from {{a}} group by 1", rule,
                id=f"ATK04-{call[:8]}-{rule}",
            )
            for call in (
                "arg_max(person_key, counted_at)", "mode(person_key)", "any_value(person_key)",
                "first(person_key)", "max_by(person_key, counted_at)", "last(person_key)",
                "(array_agg(person_key))[1]",
            )
            for rule in ("C05", "C13")
        ),
        *(
            pytest.param(
                f"select team_key, {call} as h from {{a}} group by 1", "C05",
                id=f"ATK05-{call[:8]}",
            )
            for call in (
                "string_agg(person_key, ',')", "list(distinct person_key)",
                "array_agg(person_key)", "json_group_array(person_key)",
            )
        ),
        pytest.param(
            "select left(person_key, 4) as one, ascii(substr(person_key, 5, 1)) as other from {a}",
            "C05", id="ATK06",
        ),
        pytest.param(
            "select team_key, dense_rank() over (order by person_key) as contributor_no from {a}",
            "C05", id="ATK07",
        ),
        # 5.2 and 5.3: events, rows and drift.
        pytest.param(
            "select team_key, max(change_key) as number from {a} group by 1", "C05", id="ATK14"
        ),
        pytest.param(
            "select team_key, count(*) as n from {a} group by team_key, person_key", "C06",
            id="ATK15",
        ),
        pytest.param("select team_key, counted_at from {a}", "C06", id="ATK17"),
        pytest.param(
            "select date_trunc('day', counted_at) as bucket_start, count(*) as n from {a} "
            "group by 1",
            "C12", id="ATK18-day",
        ),
        pytest.param(
            "select extract(hour from counted_at) as hour_of_day, count(*) as n from {a} "
            "group by 1",
            "C06", id="ATK18-hour",
        ),
        pytest.param(
            "select w.week_start as bucket_start, count(*) as n from {a} as a inner join "
            "{{{{ ref('int_weeks') }}}} as w on a.counted_at >= w.week_start - interval 21 day "
            "and a.counted_at < w.week_end group by 1",
            "C12", id="ATK31",
        ),
        pytest.param(
            "select team_key, quantile_cont(epoch(counted_at), 1.0) as w from {a} group by 1",
            "C13", id="ATK26-quantile",
        ),
        pytest.param(
            "select team_key, max(counted_at) as max_wait from {a} group by 1", "C13",
            id="ATK26-max",
        ),
        pytest.param(
            "select team_key, count(*) as n from {a} where person_key = 'p1zoe' group by 1", "C09",
            id="one-person",
        ),
        pytest.param(
            "select team_key, count(*) as n from {a} where change_key in ('a', 'b') group by 1",
            "C09", id="some-changes",
        ),
        # 5.7: past dbt.
        pytest.param("select * from read_csv('/x/door/identities.csv')", "C03", id="ATK44-csv"),
        pytest.param("select * from query('select 1')", "C03", id="ATK44-query"),
        pytest.param("select * from query_table('int_activity')", "C03", id="ATK44-query_table"),
        pytest.param("select * from glob('/x/*')", "C03", id="ATK44-glob"),
        pytest.param("attach 'vault.duckdb' as x", "C03", id="ATK44-attach"),
        pytest.param("select 1 as a; copy (select 1) to 'x'", "C03", id="two-statements"),
        pytest.param(
            "select * from vault.flowgrain_vault.int_activity", "C03", id="hard-coded"
        ),
        pytest.param("select getenv('HOME') as h from {o}", "C10", id="environment"),
        pytest.param("select grain_key from {o} limit 1", "C03", id="limit"),
        pytest.param("select #1 as first_column from {o}", "C10", id="positional-column"),
    ],
)  # fmt: skip
def test_a_leaking_mart(project: ProjectLab, sql: str, rule: str) -> None:
    project.add("attack", sql.format(a=ACTIVITY, o=OBSERVATIONS))
    told(project, rule)


def test_a_mart_reads_nothing_below_the_floor(project: ProjectLab) -> None:
    """Even where nothing that it tells is anybody's: the floor alone suppresses."""
    project.add("attack", f"select team_key, count(*) as n from {ACTIVITY} group by 1")
    told(project, "C01")
    told(project, "C13")


def test_rows_of_people_cannot_be_made_groups_by_distinct(project: ProjectLab) -> None:
    """ATK16: the figures of one person per week, without a key."""
    project.add("int_person_week", PERSON_WEEK, zone="vault")
    project.add("attack", "select distinct team_key, n from {{ ref('int_person_week') }}")
    told(project, "C06")
    told(project, "C07")


def test_people_cannot_be_read_two_models_down(project: ProjectLab) -> None:
    """A person under another name in one model is a person in the next."""
    sql = f"select team_key, coalesce(person_key, '?') as label from {ACTIVITY}"
    project.add("int_labels", sql, zone="vault")
    project.add("int_more", "select team_key, upper(label) as x from {{ ref('int_labels') }}",
                zone="vault")  # fmt: skip
    project.add("attack", "select team_key, max(x) as label from {{ ref('int_more') }} group by 1")
    told(project, "C05", column="label")


def test_the_list_of_per_person_counts_is_refused(project: ProjectLab) -> None:
    """ATK34: top share and last touch from rows per person, which only the floor may read."""
    project.add("int_person_week", PERSON_WEEK, zone="vault")
    project.add(
        "attack",
        "select team_key, max(n) as top_count from {{ ref('int_person_week') }} group by 1",
    )
    told(project, "C07")
    told(project, "C13")


@pytest.mark.parametrize(
    ("sql", "zone"),
    [
        ("select team_key, sum(leaver_count) as n from {{ ref('int_headcounts') }} group by 1",
         "vault"),
        ("select team, leaver_count from {{ ref('stg_canonical__headcounts') }}", "vault"),
        ("select team, leaver_count from {{ source('files', 'headcounts') }}", "vault"),
        ("select team_key, leaver_count from {{ ref('floor_attrition_teams') }}", "floor"),
        ("select value from {{ ref('floor_attrition') }}", "floor"),
    ],
)  # fmt: skip
def test_who_left_of_which_team_is_read_by_its_floor_alone(
    project: ProjectLab, sql: str, zone: str
) -> None:
    """No person's row, so that taint alone would let it become a measure of systems."""
    project.add("attack", sql, zone=zone)
    told(project, "C07", "attack")


def test_a_new_model_on_the_floor_was_not_reviewed(project: ProjectLab) -> None:
    project.add("floor_more", f"select count(*) as n from {ACTIVITY}", zone="floor")
    told(project, "C14", "floor_more")


@pytest.mark.parametrize("kind", ["struct(a integer)", "json", "timestamp", "map(text, text)"])
def test_a_type_that_can_hold_more(project: ProjectLab, kind: str) -> None:
    """ATK20: a payload passed through."""
    project.add("attack", f"select grain_key as payload from {OBSERVATIONS}",
                types={"payload": kind})  # fmt: skip
    told(project, "C11", column="payload")


@pytest.mark.parametrize("name", ["author_email", "reviewer_login", "user_id", "Assignee"])
def test_a_column_named_after_a_person(project: ProjectLab, name: str) -> None:
    project.add("attack", f"select grain_key as {name} from {OBSERVATIONS}")
    told(project, "C05", column=name)


def test_a_date_of_no_bucket(project: ProjectLab) -> None:
    project.add("attack", f"select bucket_start as day from {OBSERVATIONS}", types={"day": "date"})
    told(project, "C12", column="day")


# Landed columns.


def test_a_landed_column_without_class_is_a_person(project: ProjectLab) -> None:
    """ATK19 and ATK13: what a source began to send, and what nobody classed."""
    key = "source.flowgrain.files.work_items"
    table = copy.deepcopy(project.manifest["sources"][key])
    table["columns"]["comment"] = {"name": "comment", "description": "", "config": {"meta": {}}}
    project.manifest["sources"][key] = table
    told(project, "C04", "files.work_items", "comment")
    project.add("int_more", "select comment from {{ source('files', 'work_items') }}", zone="vault")
    project.add("attack", "select comment from {{ ref('int_more') }}")
    told(project, "C05", column="comment")


def test_a_column_that_nobody_declared_is_a_person(project: ProjectLab) -> None:
    """ATK19: it rode into the table; staging names it."""
    project.add("int_more", "select author_email from {{ source('files', 'changes') }}",
                zone="vault")  # fmt: skip
    told(project, "C04", "int_more", "author_email")
    project.add("attack", "select author_email as label from {{ ref('int_more') }}")
    told(project, "C05", column="label")


def test_a_cast_that_would_print_what_it_cannot_read(project: ProjectLab) -> None:
    """ATK50: the engine's message would hold the value; the door types what lands."""
    project.add(
        "int_more",
        "select cast(work_item_id as integer) as n from {{ source('files', 'work_items') }}",
        zone="vault",
    )
    told(project, "C10", "int_more", "work_item_id")


# The catalogue.


def edited_seed(folder: Path, name: str, key: str, **changes: str) -> None:
    """Change a row of a catalogue seed."""
    path = folder / "catalogue" / f"{name}.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row["metric_key"] == key:
            row.update(changes)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize(
    ("name", "key", "changes"),
    [
        pytest.param("metrics", "time_to_first_review", {"class": "S", "subjects": ""}, id="ATK27"),
        pytest.param("metrics", "time_to_first_review", {"class": "Z"}, id="unknown-class"),
        pytest.param("metrics", "flow_time", {"subjects": ""}, id="nobody"),
        pytest.param("metrics", "flow_time", {"subjects": "author|dog"}, id="unknown-role"),
        pytest.param("metric_series", "flow_velocity", {"statistic": "max"}, id="ATK26-worst"),
        pytest.param(
            "metric_series", "time_to_first_review", {"needs_reviewers": "false"}, id="a-role-less"
        ),
        pytest.param(
            "metric_series", "change_fail_rate", {"population": "merged"}, id="people-under-S"
        ),
    ],
)
def test_a_catalogue_that_says_less_than_is_so(
    project: ProjectLab, tmp_path: Path, name: str, key: str, changes: dict[str, str]
) -> None:
    """ATK27: a metric of people under class S is told by the series that counts their changes."""
    blamed = "metric_series" if changes.get("class") == "S" else name
    edited_seed(project.own_seeds(tmp_path), name, key, **changes)
    told(project, "C13", blamed)


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"decision": ""}, "decision"),
        ({"owner_role": " "}, "owner_role"),
        ({"direction": "up"}, "direction"),
        ({"metric_key": "typing_speed"}, "metric_key"),
    ],
)
def test_a_metric_that_serves_no_decision_is_refused(
    project: ProjectLab, tmp_path: Path, changes: dict[str, str], column: str
) -> None:
    """Nor one that no unit test shows and no page defines."""
    edited_seed(project.own_seeds(tmp_path), "metrics", "flow_time", **changes)
    told(project, "C20", "metrics", column)


@pytest.mark.parametrize("kind", ["V", "K", "U", "X"])
def test_a_class_whose_rules_do_not_know_it_is_refused(
    project: ProjectLab, tmp_path: Path, kind: str
) -> None:
    """ATK36 to ATK38: of surveys, knowledge and the use of tools only what has rules is told."""
    edited_seed(project.own_seeds(tmp_path), "metrics", "flow_time", **{"class": kind})
    told(project, "C13", "metrics", "class")


def test_use_that_rests_on_others_than_who_used_it_is_refused(
    project: ProjectLab, tmp_path: Path
) -> None:
    """As a measure of authors its people would be counted of their changes."""
    edited_seed(project.own_seeds(tmp_path), "metrics", "ai_adoption", subjects="author")
    told(project, "C13", "metrics", "subjects")


@pytest.mark.parametrize("mart", ["int_ai_use", "stg_canonical__ai_usage", "floor_ai_cells"])
def test_a_mart_that_reads_who_uses_a_tool(project: ProjectLab, mart: str) -> None:
    """Neither who used it when, nor how many did, is for a mart."""
    project.add("attack", f"select grain_key from {{{{ ref('{mart}') }}}}")
    told(project, "C01")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("class", "S"), ("class", "P"), ("grains", "team|portfolio"), ("subjects", "author"),
        ("population", "merged"),
    ],
)  # fmt: skip
def test_attrition_is_sensitive_and_of_the_portfolio(
    project: ProjectLab, tmp_path: Path, column: str, value: str
) -> None:
    edited_seed(project.own_seeds(tmp_path), "metrics", "attrition_risk", **{column: value})
    told(project, "C13", "metrics")


# 5.7 Bypassing dbt.


@pytest.mark.parametrize(
    ("config", "rule"),
    [
        pytest.param({"materialized": "external"}, "C02", id="ATK43-external"),
        pytest.param({"materialized": "view"}, "C02", id="ATK46-view"),
        pytest.param({"materialized": "incremental"}, "C02", id="incremental"),
        pytest.param({"contract": {"enforced": False}}, "C02", id="no-contract"),
        pytest.param({"post-hook": [{"sql": "copy x to 'y'"}]}, "C02", id="ATK42-hook"),
        pytest.param({"grants": {"select": ["gl_bi"]}}, "C15", id="ATK45"),
        pytest.param({"store_failures": True}, "C17", id="ATK48-model"),
    ],
)
def test_a_mart_that_is_more_than_a_table(
    project: ProjectLab, config: dict[str, Any], rule: str
) -> None:
    project.add("attack", f"select grain_key from {OBSERVATIONS}", **config)
    told(project, rule)


@pytest.mark.parametrize("zone", ["marts", "vault"])
def test_a_python_model(project: ProjectLab, zone: str) -> None:
    """ATK43: it could write anything anywhere."""
    project.add("attack", f"select grain_key from {OBSERVATIONS}", zone=zone)["language"] = "python"
    told(project, "C02")


def test_a_hook_that_nobody_reviewed(project: ProjectLab) -> None:
    """ATK42: on-run-end writes people to disk."""
    key = "operation.flowgrain.flowgrain-on-run-end-0"
    honest = project.find("flowgrain-on-run-start-0")
    project.manifest["nodes"][key] = {
        **project.manifest["nodes"][honest],
        "name": "flowgrain-on-run-end-0",
        "raw_code": "copy flowgrain_vault.int_activity to 'people.csv'",
    }
    told(project, "C02", "flowgrain-on-run-end-0")


@pytest.mark.parametrize(
    "change",
    [{"schema": "marts"}, {"schema": "flowgrain_vault"}, {"database": "published"},
     {"fqn": ["flowgrain", "more", "flow", "attack"]}],
    ids=str,
)  # fmt: skip
def test_a_mart_in_another_place(project: ProjectLab, change: dict[str, Any]) -> None:
    """ATK41: schema, database or folder lead it past the gate."""
    project.add("attack", f"select grain_key from {OBSERVATIONS}").update(change)
    told(project, "C01")


@pytest.mark.parametrize(
    "name",
    ["get_test_sql", "generate_schema_name", "ref", "test_unique", "materialization_table_default",
     "duckdb__get_test_sql"],
)  # fmt: skip
def test_a_macro_in_the_place_of_dbts_own(project: ProjectLab, name: str) -> None:
    """ATK40 and ATK41: every test passes, every schema is another."""
    project.add_macro(name, "{% macro x() %}select 0{% endmacro %}")
    told(project, "C14", name)


def test_a_floor_with_another_k(project: ProjectLab) -> None:
    """ATK24: the number is pinned with the macro that holds it."""
    macro = project.node("minimum_people", "macros")
    macro["macro_sql"] = macro["macro_sql"].replace("5", "1")
    told(project, "C14", "minimum_people")


def test_a_floor_that_suppresses_nothing(project: ProjectLab) -> None:
    node = project.node("floor_cells")
    node["raw_code"] = node["raw_code"].replace("then 0", "then 1")
    told(project, "C14", "floor_cells")


def test_a_floor_that_reads_something_else(project: ProjectLab) -> None:
    node = project.node("floor_subjects")
    node["depends_on"] = {**node["depends_on"], "nodes": node["depends_on"]["nodes"][1:]}
    told(project, "C14", "floor_subjects")


def test_a_floor_without_one_of_its_models(project: ProjectLab) -> None:
    del project.manifest["nodes"]["model.flowgrain.floor_services"]
    told(project, "C14", "floor_services")


@pytest.mark.parametrize(
    ("jinja", "rule"),
    [
        pytest.param("{{ var('k') }}", "C19", id="ATK24-var"),
        pytest.param("{{ env_var('FLOWGRAIN_PEPPER') }}", "C19", id="ATK64"),
        pytest.param("{% for x in run_query('select 1') %}{% endfor %}", "C18", id="ATK49"),
        pytest.param("{% call statement('x') %}select 1{% endcall %}", "C18", id="statement"),
        pytest.param("{{ builtins.var('k') }}", "C18", id="builtins"),
        pytest.param("{{ context['env_var']('K') }}", "C18", id="context"),
        pytest.param("{% if flags.WHICH == 'build' %}{% endif %}", "C18", id="flags"),
        pytest.param("{{ modules.datetime.datetime.now() }}", "C18", id="clock"),
        pytest.param("{{ adapter.execute('x') }}", "C18", id="adapter"),
        pytest.param("{% set a = adapter %}{% do a['execute']('x') %}", "C18", id="renamed"),
        pytest.param("{% set v = var %}{{ v('k') }}", "C19", id="var-renamed"),
        pytest.param("{% set e = env_var %}{{ e('HOME') }}", "C19", id="env-renamed"),
        pytest.param("{{ modules['datetime'].datetime.now() }}", "C18", id="clock-by-key"),
        pytest.param("{{ dbt['run_' ~ 'query']('select 1') }}", "C18", id="put-together"),
        pytest.param("{{ ref.__globals__ }}", "C18", id="inside"),
        pytest.param("{{ ref|attr('x') }}", "C18", id="filter"),
        pytest.param("{% do dbt.run_query('x') %}", "C18", id="of-a-package"),
        pytest.param("{% set d = dbt %}{% do d.run_query('x') %}", "C18", id="package-renamed"),
        pytest.param("{% do run_hooks([]) %}", "C18", id="run-hooks"),
        pytest.param("{{ get_columns_in_query('x') }}", "C18", id="columns-in-query"),
        pytest.param("{{ dbt_utils.get_single_value('x') }}", "C18", id="of-dbt-utils"),
        pytest.param("{{ exceptions.raise_compiler_error('x') }}", "C18", id="error"),
    ],
)
def test_jinja_that_computes(project: ProjectLab, jinja: str, rule: str) -> None:
    node = project.add("attack", f"select grain_key from {OBSERVATIONS}")
    node["raw_code"] += f"\n-- {jinja}\n"
    assert told(project, rule).line == node["raw_code"].count("\n")


def test_jinja_that_computes_in_a_macro(project: ProjectLab) -> None:
    node = project.add("attack", f"select grain_key from {OBSERVATIONS}")
    project.add_macro("more", "{% macro more() %}{{ run_query('select 1') }}{% endmacro %}")
    node["depends_on"]["macros"] = ["macro.flowgrain.more"]
    told(project, "C18", "more")


# 5.8 Artefacts.


def test_failures_kept_in_a_table(project: ProjectLab) -> None:
    """ATK48: rows of people in a table of their own."""
    key = next(key for key in project.manifest["nodes"] if key.startswith("test."))
    test = copy.deepcopy(project.manifest["nodes"][key])
    test["config"]["store_failures"] = True
    project.manifest["nodes"][key] = test
    told(project, "C17", test["name"])


@pytest.mark.parametrize(
    "owner",
    [
        {"name": "Zoe Canary", "email": "zoe.canary@shop.invalid"},
        {"name": "zoe.canary@shop.invalid", "email": None},
        {"name": "Metric stewards", "email": ["metric-stewards@shop.invalid", "zoe@shop.invalid"]},
    ],
    ids=["person", "address", "second"],
)
def test_an_exposure_owned_by_a_person(project: ProjectLab, owner: dict[str, Any]) -> None:
    """ATK53."""
    key = "exposure.flowgrain.published_database"
    exposure = copy.deepcopy(project.manifest["exposures"][key])
    exposure["owner"] = owner
    project.manifest["exposures"][key] = exposure
    told(project, "C16", "published_database")


def test_a_description_that_names_somebody(project: ProjectLab) -> None:
    node = project.add("attack", f"select grain_key from {OBSERVATIONS}")
    node["description"] = "Ask zoe.canary@shop.example about it."
    told(project, "C16")


def test_a_seed_with_a_real_looking_person(project: ProjectLab, tmp_path: Path) -> None:
    """ATK54."""
    path = project.own_seeds(tmp_path) / "organisation" / "teams.csv"
    path.write_text(path.read_text() + "t_99,zoe.canary@shop.example,default\n")
    told(project, "C17", "teams", "team_label")


def test_a_unit_test_with_a_real_looking_person(project: ProjectLab) -> None:
    """ATK54."""
    key = next(iter(project.manifest["unit_tests"]))
    test = copy.deepcopy(project.manifest["unit_tests"][key])
    test["given"][0]["rows"] = [{"author_key": "zoe.canary@shop.example"}]
    project.manifest["unit_tests"][key] = test
    told(project, "C17", test["name"])


def test_a_snapshot(project: ProjectLab) -> None:
    node = project.add("attack", f"select grain_key from {OBSERVATIONS}", zone="vault")
    node["resource_type"] = "snapshot"
    told(project, "C02")


def _changed(name: str, **told: object) -> Callable[[ProjectLab], object]:
    return lambda project: project.node(name).update(told)


def _with(name: str, kind: str, value: object) -> Callable[[ProjectLab], object]:
    return lambda project: project.node(name)["config"].update({kind: value})


def _relabelled(project: ProjectLab) -> None:
    key = "source.flowgrain.files.changes"
    project.manifest["sources"][key] = copy.deepcopy(project.manifest["sources"][key])
    project.manifest["sources"][key]["columns"]["author_key"]["config"]["meta"]["class"] = "attr"


def _replaced_package(project: ProjectLab) -> None:
    macro = project.add_macro(
        "duckdb__date_trunc", "{% macro duckdb__date_trunc() %}{% endmacro %}"
    )
    macro["package_name"] = "dbt_postgres"


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        # Keys made of a person and a number would be forty people.
        ("int_activity", _changed("int_activity", raw_code="select 1")),
        ("int_change_lives", _changed("int_change_lives", raw_code="select 1")),
        ("floor_subjects", _with("floor_subjects", "access", "protected")),
        ("int_activity", _with("int_activity", "sql_header", "delete from x;")),
        ("metrics", _changed("metrics", checksum={"name": "sha256", "checksum": "00"})),
        ("changes", _relabelled),
        ("duckdb__date_trunc", lambda p: p.add_macro("duckdb__date_trunc", "x")),
        ("dbt_postgres", _replaced_package),
        ("harmless", lambda p: p.add_macro("harmless", "{% macro harmless() %}1{% endmacro %}")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whatever_decides_who_is_counted_is_pinned(
    project: ProjectLab, name: str, spoil: Callable[[ProjectLab], object]
) -> None:
    """Models below the floor, classes of what lands, the catalogue, macros, packages."""
    spoil(project)
    told(project, "C14", name)


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        ({"config": {"sql_header": "delete from x;"}}, "C02"),
        ({"config": {"incremental_predicates": ["1=1); delete from x; --"]}}, "C02"),
        ({"config": {"column_types": {"grain_key": "int); create table x(a int"}}}, "C02"),
        ({"constraints": [{"type": "check", "expression": "1=1); delete from x"}]}, "C02"),
    ],
    ids=str,
)
def test_sql_beside_the_sql(
    project: ProjectLab, spoil: dict[str, dict[str, object]], rule: str
) -> None:
    node = project.add("attack", f"select grain_key from {OBSERVATIONS}")
    node["config"].update(spoil.get("config", {}))
    node["constraints"] = spoil.get("constraints", [])
    told(project, rule)


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"compiled_code": "select 1 where 1 = 0) as t; delete from x; select (1"}, "C03"),
        ({"compiled_code": "select 1; delete from x"}, "C03"),
        ({"compiled_code": "delete from x"}, "C03"),
        ({"config": {"where": "1=0) as t; delete from x; select (1"}}, "C03"),
        ({"config": {"fail_calc": "(select count(*) from x)"}}, "C03"),
        ({"config": {"error_if": "> (select 1)"}}, "C03"),
        ({"raw_code": "{% do run_query('delete from x') %}"}, "C18"),
        ({"config": {"where": "{{ env_var('HOME') }}"}}, "C19"),
    ],
    ids=str,
)
def test_a_test_that_does_more_than_ask(
    project: ProjectLab, changed: dict[str, object], rule: str
) -> None:
    key = next(k for k, n in project.manifest["nodes"].items() if n["resource_type"] == "test")
    node = copy.deepcopy(project.manifest["nodes"][key])
    config = {**node["config"], **changed.pop("config", {})}  # type: ignore[dict-item]
    project.manifest["nodes"][key] = {**node, **changed, "config": config, "name": "attack"}
    told(project, rule)


@pytest.mark.parametrize(
    ("rows", "rule"),
    [
        ("select '{{ run_query('x') }}' as author_key", "C18"),
        ("select person_key from flowgrain_vault.int_activity", "C17"),
        ("with x as (select 1) select * from x; delete from y", "C17"),
    ],
)
def test_a_unit_test_that_reads_the_vault(project: ProjectLab, rows: str, rule: str) -> None:
    key, test = next(iter(project.manifest["unit_tests"].items()))
    given = [{**test["given"][0], "format": "sql", "rows": rows}]
    project.manifest["unit_tests"][key] = {**test, "given": given, "name": "attack"}
    told(project, rule)


def test_a_reviewed_hook_that_is_gone(project: ProjectLab) -> None:
    key = "operation.flowgrain.flowgrain-on-run-start-0"
    del project.manifest["nodes"][key]
    told(project, "C02", "flowgrain-on-run-start-0")


def test_a_source_that_is_read_from_elsewhere(project: ProjectLab) -> None:
    key = "source.flowgrain.door.people"
    source = copy.deepcopy(project.manifest["sources"][key])
    source["config"]["meta"] = {"external_location": "/x/people.csv"}
    project.manifest["sources"][key] = source
    told(project, "C14", "people")


def test_a_function_of_its_own(project: ProjectLab) -> None:
    project.manifest["functions"] = {"function.flowgrain.attack": {"name": "attack"}}
    told(project, "C02")


def test_what_jinja_would_print_is_never_run(tmp_path: Path) -> None:
    """Compiling runs Jinja with a database at hand, so it is asked before."""
    copy_ = copied(tmp_path)
    (copy_ / "models/marts/flow/leak.sql").write_text(
        "{% if execute %}{% set r = run_query(\"select 'zoe' || '-canary'\") %}"
        "{{ exceptions.raise_compiler_error(r.columns[0].values() | list | string) }}{% endif %}"
        "select grain_key from {{ ref('floor_observations') }}"
    )
    done = checked(copy_, tmp_path)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "GL-C18 models/marts/flow/leak.sql:1 leak" in done.stderr
    assert "zoe-canary" not in done.stdout + done.stderr


# The pins.


def test_the_pins_are_of_the_floor_its_macros_and_the_hooks() -> None:
    """A reviewer finds in one file what makes the guard."""
    text = PINS.read_text()
    for name in ("model.flowgrain.floor_cells", "macro.flowgrain.minimum_people", "on-run-start-2"):
        assert name in text


def test_without_pins_nothing_passes(
    project: ProjectLab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("orchestration.floor_guard.pins.PINS", tmp_path / "none.json")
    with pytest.raises(Exception, match="GL-C14"):
        project.findings()
