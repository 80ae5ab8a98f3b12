"""What the floor and the gate both know stands in two places on purpose, and must agree."""

import re

from orchestration.floor_guard import constants
from orchestration.home import PROJECT
from orchestration.landing.contract import SOURCES


def test_k_is_the_same_in_the_floor_and_in_the_gate() -> None:
    macro = (PROJECT / "macros" / "minimum_people.sql").read_text()
    (k,) = re.findall(r"greatest\((\d+), ", macro)
    assert int(k) == constants.MINIMUM_PEOPLE == 5


def test_k_is_no_variable() -> None:
    guarded = [*(PROJECT / "models" / "floor").rglob("*.sql")]
    guarded += [PROJECT / "macros" / name for name in ("minimum_people.sql", "grain_floor.sql")]
    assert [path.name for path in guarded if re.search(r"\b(env_)?var\(", path.read_text())] == []


def test_the_door_and_dbt_know_the_same_sources() -> None:
    macro = (PROJECT / "macros" / "union_sources.sql").read_text()
    (listed,) = re.findall(r"return\(\[(.*?)\]\)", macro)
    assert tuple(re.findall(r"'(\w+)'", listed)) == tuple(SOURCES)


def test_settings_are_read_through_one_macro() -> None:
    files = [*(PROJECT / "models").rglob("*.sql"), *(PROJECT / "macros").glob("*.sql")]
    readers = {path.name for path in files if re.search(r"(?<!env_)\bvar\(", path.read_text())}
    assert readers == {"setting.sql"}


def test_k_is_raised_in_one_place_and_never_lowered() -> None:
    files = [*(PROJECT / "models").rglob("*.sql"), *(PROJECT / "macros").glob("*.sql")]
    named = {path.name for path in files if "FLOWGRAIN_MINIMUM_PEOPLE" in path.read_text()}
    assert named == {"setting.sql"}


def test_no_lock_or_config_names_a_host_or_a_path_of_a_machine() -> None:
    names = ("requirements.lock", "package-lock.yml", "packages.yml", "pyproject.toml", "Makefile")
    for name in (*names, "dbt_project.yml", "profiles.yml.example"):
        text = (PROJECT / name).read_text()
        assert not re.search(r"https?://(?!127\.0\.0\.1)", text), name
        assert not re.search(r"(?<![\w.])/(home|root|work|Users)/", text), name


def test_what_attrition_rests_on_is_the_same_in_the_floor_and_in_the_gate() -> None:
    folder = PROJECT / "models/floor/attrition"
    text = "".join(path.read_text() for path in sorted(folder.glob("*.sql")))
    told = dict(re.findall(r"set (\w+) = (\d+) ", text))
    assert {name: int(value) for name, value in told.items()} == {
        "least_count": constants.SENSITIVE_MINIMUM,
        "least_teams": constants.THIRD_TEAMS,
        "least_banded": constants.BANDED_YEARS,
        "prior_person_years": constants.PRIOR_YEARS,
    }
