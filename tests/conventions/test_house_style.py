"""The house style, as far as a machine can see it: each rule is a test with its reason."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Lab
from dbt.jsonschemas.jsonschemas import CustomDraft7Validator, resources_schema

from orchestration.floor_guard.constants import BUCKETS, GRAINS
from orchestration.home import PROJECT

MODELS = sorted((PROJECT / "models").rglob("*.sql"))
YAML = sorted(
    path
    for folder in ("models", "macros", "seeds", "tests")
    for path in (PROJECT / folder).rglob("*.yml")
)
LINES = sorted(
    path for folder in ("models", "macros", "tests") for path in (PROJECT / folder).rglob("*.sql")
)
# What each layer's models begin with, and what marts must not.
PREFIXES = {
    "models/vault/staging": re.compile(r"stg_[a-z]+__[a-z_]+"),
    "models/vault/intermediate": re.compile(r"int_[a-z_]+"),
    "models/floor": re.compile(r"(floor|observed)_[a-z_]+"),
    # floor_cost tells readers of the floor.
    "models/marts": re.compile(r"floor_cost|(?!stg_|int_|floor_|observed_|fct_)[a-z][a-z_]+"),
}
# Files of models/ that are not beside a model of their name.
SHARED = re.compile(r"_[a-z]+__sources\.yml|groups\.yml|exposures\.yml")
MACRO = re.compile(r"{%-?\s*macro\s+(\w+)\(([^)]*)\)")
DISPATCHED = re.compile(r"(default|spark|postgres|duckdb)__")
DIRECTIONS = {"higher_is_better", "lower_is_better", "context"}
CLASSES = {"P", "S", "V", "U", "K", "X"}
Row = dict[str, str]


def relative(path: Path) -> str:
    """A path as it is called in messages."""
    return str(path.relative_to(PROJECT))


def seed(name: str) -> list[Row]:
    """Rows of a catalogue seed."""
    path = PROJECT / "seeds/catalogue" / f"{name}.csv"
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


METRICS = seed("metrics")
SERIES = seed("metric_series")
MATRICES = seed("matrix_measures")
THROUGHPUT = ("deployment_frequency", "change_lead_time", "flow_velocity")
QUALITY = ("change_fail_rate", "deployment_rework_rate", "failed_deployment_recovery_time")


def test_every_model_has_one_yaml_of_its_name_beside_it() -> None:
    """A missing description is then seen in the tree, and renaming moves a pair."""
    for path in MODELS:
        beside = path.with_suffix(".yml")
        assert beside.exists(), relative(path)
        described = yaml.safe_load(beside.read_text(encoding="utf-8"))
        assert [model["name"] for model in described["models"]] == [path.stem], relative(beside)
        assert set(described) <= {"models", "unit_tests"}, relative(beside)
        for test in described.get("unit_tests", []):
            assert test["model"] == path.stem, relative(beside)


def test_no_yaml_is_left_without_its_model() -> None:
    """What describes a model that is gone misleads."""
    for path in (PROJECT / "models").rglob("*.yml"):
        assert path.with_suffix(".sql").exists() or SHARED.fullmatch(path.name), relative(path)


def test_names_say_the_layer() -> None:
    """A reader of a query knows from the name which side of the floor it reads."""
    for path in MODELS:
        layer = next(prefix for prefix in PREFIXES if relative(path).startswith(prefix))
        assert PREFIXES[layer].fullmatch(path.stem), relative(path)


def test_descriptions_open_with_the_grain(lab: Lab) -> None:
    """What one row is comes first: most wrong joins begin there."""
    for name, model in lab.models.items():
        assert model["description"].startswith("One row per "), name


def test_every_column_is_described(lab: Lab) -> None:
    """The built table is the measure: no column rides along, none is described and missing."""
    with lab.vault() as connection:
        rows = connection.execute(
            """
            select table_schema, table_name, column_name from information_schema.columns
            where table_catalog = current_database()
            """
        ).fetchall()
    built: dict[tuple[str, str], set[str]] = {}
    for folder, table, column in rows:
        built.setdefault((folder, table), set()).add(column)
    for name, model in lab.models.items():
        described = model["columns"]
        assert set(described) == built[model["schema"], model["alias"]], name
        silent = [column for column, known in described.items() if not known["description"].strip()]
        assert silent == [], name


def test_marts_have_contracts_with_types(lab: Lab) -> None:
    """What is offered for publication has the columns that were promised, and no other."""
    marts = [model for model in lab.models.values() if model["fqn"][1] == "marts"]
    assert marts
    for model in marts:
        assert model["config"]["contract"]["enforced"], model["name"]
        assert all(column["data_type"] for column in model["columns"].values()), model["name"]


@pytest.mark.parametrize("metric", METRICS, ids=[metric["metric_key"] for metric in METRICS])
def test_every_metric_serves_a_decision(metric: Row) -> None:
    """A number that nobody decides by is a number to rank people by."""
    for column in ("metric_name", "definition", "unit", "decision", "owner_role", "grains"):
        assert metric[column].strip(), column
    assert metric["direction"] in DIRECTIONS
    assert metric["class"] in CLASSES
    assert metric["measures"] in {"input", "output"}
    assert metric["roll_up"] in {"recompute", "sum", "never"}
    if metric["class"] == "X":
        assert metric["subjects"] == "leaver"
        assert metric["misuse_warning"].strip()
    if metric["class"] in {"P", "K"}:
        assert set(metric["subjects"].split("|")) <= {"author", "reviewer"}
        assert metric["population"].strip()
        assert metric["misuse_warning"].strip()
    if metric["class"] in {"V", "U"}:
        assert metric["subjects"] == {"V": "respondent", "U": "user"}[metric["class"]]
        assert metric["misuse_warning"].strip()
    if metric["class"] == "S":
        assert not metric["subjects"], "a system's measure rests on nobody"


@pytest.mark.parametrize("metric", METRICS, ids=[metric["metric_key"] for metric in METRICS])
def test_every_metric_has_a_series_and_its_people(metric: Row) -> None:
    """What the catalogue promises is published; what data quality publishes is sliced by source."""
    series = [row for row in SERIES if row["metric_key"] == metric["metric_key"]]
    if metric["domain"] == "governance":
        assert series == []
        return
    assert series
    roles = set(metric["subjects"].split("|"))
    for row in series:
        # Bots opened what is in their slice: its people are the reviewers.
        if row["author_kind"] == "bot":
            assert (row["needs_authors"], row["needs_reviewers"]) == ("false", "true")
        else:
            assert (row["needs_authors"] == "true") == ("author" in roles)
            assert (row["needs_reviewers"] == "true") == ("reviewer" in roles)


@pytest.mark.parametrize("metric", METRICS, ids=[metric["metric_key"] for metric in METRICS])
def test_every_metric_has_a_unit_test_that_names_it_or_expects_it(lab: Lab, metric: Row) -> None:
    """Worked by hand from the definition: the formula on screen is the one that was meant."""
    key = metric["metric_key"]
    assert any(
        test["name"].startswith(f"{key}__")
        or key in {row.get("metric_key") for row in test["expect"]["rows"]}
        for test in lab.manifest["unit_tests"].values()
    )


def test_throughput_stands_beside_quality(lab: Lab) -> None:
    """A mart or matrix that picks out how much is delivered says how well it holds, too."""
    marts = {name: m for name, m in lab.models.items() if m["fqn"][1] == "marts"}
    picked = {
        name: {word for word in (*THROUGHPUT, *QUALITY) if f"'{word}'" in model["raw_code"]}
        for name, model in marts.items()
    }
    for matrix in {row["matrix"] for row in MATRICES}:
        picked[matrix] = {row["metric_key"] for row in MATRICES if row["matrix"] == matrix}
    alone = [
        name
        for name, words in picked.items()
        if words & set(THROUGHPUT) and not words & set(QUALITY)
    ]
    assert picked["throughput_vs_quality"] > set(THROUGHPUT)
    assert alone == []
    pairs = {row["metric_key"]: row["pair"] for row in METRICS}
    assert all(pairs[key] for key in THROUGHPUT)


def test_unit_tests_are_named_after_what_they_show(lab: Lab) -> None:
    """`<metric or column>__<case in words>`: a failure then reads as a sentence."""
    metrics = {metric["metric_key"] for metric in METRICS}
    for test in lab.manifest["unit_tests"].values():
        subject, _, case = test["name"].partition("__")
        assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)+", case), test["name"]
        columns = set(lab.models[test["model"]]["columns"])
        assert subject in metrics | columns, test["name"]


def test_every_mart_is_held_against_the_floors_rules_at_build(lab: Lab) -> None:
    """The gate refuses the same; here an engineer reads it before anything is offered."""
    rules = {path.stem for path in (PROJECT / "tests/generic").glob("gl_*.sql")}
    assert {rule[:6] for rule in rules} == {"gl_b01", "gl_c12", "gl_o08"}
    tests = [node for node in lab.manifest["nodes"].values() if node["resource_type"] == "test"]
    for name, model in lab.models.items():
        if model["fqn"][1] != "marts":
            continue
        held = {
            test["test_metadata"]["name"]: test
            for test in tests
            if test.get("attached_node") == model["unique_id"] and test.get("test_metadata")
        }
        # What has no status tells of nothing that is withheld: it has no row for that.
        needed = {rule for rule in rules if "status" in model["columns"] or rule[:6] != "gl_o08"}
        assert needed <= set(held), name
        for rule in needed:
            assert held[rule]["config"]["severity"].upper() == "ERROR", name
            assert held[rule]["config"]["enabled"], name
            assert not held[rule]["config"]["where"], name


def test_the_closed_lists_of_the_tests_are_the_guards(lab: Lab) -> None:
    """A list that is written down twice would grow on one side."""
    key = next(
        key
        for key in lab.manifest["nodes"]
        if ".gl_c12_cells_are_of_the_closed_lists_metric_observations_." in key
    )
    told = lab.manifest["nodes"][key]["compiled_code"]
    for column, words in {"grain": GRAINS, "bucket": BUCKETS}.items():
        assert f"{column} not in {words}" in told


def test_singular_tests_say_what_must_be_true() -> None:
    """The name is what a failing build prints."""
    for path in (PROJECT / "tests/singular").glob("*.sql"):
        assert re.fullmatch(r"assert_[a-z_]+", path.stem), path.name


def schema_faults(document: dict[str, Any]) -> Iterator[str]:
    """What dbt's own schema says against a file."""
    for error in CustomDraft7Validator(resources_schema()).iter_errors(document):
        yield f"{list(error.path)}: {error.message[:200]}"


@pytest.mark.parametrize("path", YAML, ids=[relative(path) for path in YAML])
def test_yaml_follows_dbts_own_schema(path: Path) -> None:
    """Misplaced keys are dropped in silence on DuckDB: dbt does not hold files against it there."""
    assert list(schema_faults(yaml.safe_load(path.read_text(encoding="utf-8")))) == []


def test_tests_are_written_as_data_tests_with_arguments() -> None:
    """The old forms still parse, and warn nobody."""
    for path in YAML:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(- )?tests:", text, re.M), relative(path)
        assert not text.startswith("version:"), relative(path)


def macros() -> dict[str, list[str]]:
    """Macros that are called by their name, and their arguments."""
    found = {}
    for path in (PROJECT / "macros").glob("*.sql"):
        for name, signature in MACRO.findall(path.read_text(encoding="utf-8")):
            if not DISPATCHED.match(name):
                words = [word.partition("=")[0].strip() for word in signature.split(",")]
                found[name] = [word for word in words if word]
    return found


def test_every_macro_is_described_with_its_arguments() -> None:
    """Nobody can tell an expression from a literal by its name."""
    document = yaml.safe_load((PROJECT / "macros/_macros.yml").read_text(encoding="utf-8"))
    described = {macro["name"]: macro for macro in document["macros"]}
    assert set(described) == set(macros())
    for name, arguments in macros().items():
        given = described[name].get("arguments", [])
        assert [argument["name"] for argument in given] == arguments, name
        assert all(argument["type"] and argument["description"] for argument in given), name
        assert described[name]["description"].strip(), name


def test_every_seed_is_described_column_by_column(lab: Lab) -> None:
    """Seeds are what a user fills in: the text beside a column is the manual."""
    nodes = lab.manifest["nodes"].values()
    for node in (node for node in nodes if node["resource_type"] == "seed"):
        assert node["description"].startswith("One row per "), node["name"]
        path = PROJECT / node["original_file_path"]
        with path.open(newline="", encoding="utf-8") as file:
            header = next(csv.reader(file))
        assert set(header) == set(node["columns"]), node["name"]
        for name, column in node["columns"].items():
            assert column["description"].strip(), f"{node['name']}.{name}"


@pytest.mark.parametrize("path", LINES, ids=[relative(path) for path in LINES])
def test_sql_lines_are_at_most_100_columns_long(path: Path) -> None:
    """Two files fit beside each other. The Jinja of a macro cannot always be wrapped."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        is_jinja = path.parent.name == "macros" and re.search(r'{%|{{|^\s*(~|")', line)
        assert len(line) <= 100 or is_jinja, f"{relative(path)}:{number}"


def test_sql_has_no_trailing_blanks_and_ends_with_one_line() -> None:
    """Diffs show what changed and nothing else."""
    for path in (*LINES, *YAML):
        text = path.read_text(encoding="utf-8")
        assert text.endswith("\n"), relative(path)
        assert not text.endswith("\n\n"), relative(path)
        assert not re.search(r"[ \t]+$", text, re.M), relative(path)


def test_templates_of_findings_name_parts_that_are_filled() -> None:
    """Any other would be told as it stands."""
    parts = {"group", "stage", "value", "lower", "upper", "reference", "count", "total"}
    for row in seed("finding_templates"):
        assert set(re.findall(r"{([^}]*)}", row["template"])) <= parts, row["finding"]
        assert row["template"].count("{") == row["template"].count("}"), row["finding"]
