"""The attacks of the grain floor's catalogue, ATK01 to ATK68, and the test that plays each.

Names are of tests in tests/ or of unit tests in models/. What cannot be played yet stands in LATER
with what it waits for, and shows as an expected failure: nobody takes the list for a whole one.
"""

import re

import pytest

from orchestration.home import PROJECT

PLAYED = {
    "ATK01": "test_a_leaking_mart",
    "ATK02": "test_a_leaking_mart",
    "ATK03": "test_a_leaking_mart",
    "ATK04": "test_a_leaking_mart",
    "ATK05": "test_a_leaking_mart",
    "ATK06": "test_a_leaking_mart",
    "ATK07": "test_a_leaking_mart",
    "ATK08": "test_a_number_that_is_somebodys_account_is_refused",
    "ATK09": "test_a_label_that_is_somebody_in_any_form_is_refused",
    "ATK10": "test_every_known_identifier_is_recognised_in_every_form",
    "ATK11": "test_no_form_of_the_person_is_in_any_byte_of_the_vault",
    "ATK12": "test_what_no_table_shows_yet_is_refused_as_well",
    "ATK13": "test_a_landed_column_without_class_is_a_person",
    "ATK14": "test_a_leaking_mart",
    "ATK15": "test_a_second_row_of_a_cell_is_refused",
    "ATK16": "test_rows_of_people_cannot_be_made_groups_by_distinct",
    "ATK17": "test_a_leaking_mart",
    "ATK18": "test_a_leaking_mart",
    "ATK19": "test_columns_that_the_contract_does_not_name_are_dropped",
    "ATK20": "test_a_type_that_can_hold_more",
    "ATK21": "test_what_the_floor_opens_tells_of_nobody",
    "ATK22": "is_open__weeks_of_a_period_are_open_all_or_none",
    "ATK23": "test_bot_changes_need_their_reviewers_and_no_authors",
    "ATK24": "test_k_is_never_lowered",
    "ATK25": "is_open__nobody_has_more_than_half_of_the_events",
    "ATK26": "test_a_leaking_mart",
    "ATK27": "test_a_catalogue_that_says_less_than_is_so",
    "ATK28": "review_coverage__wilson_range_or_a_band_where_few_people_are_on_one_side",
    "ATK29": "test_a_value_stream_less_its_teams",
    "ATK30": "test_the_period_less_three_of_its_weeks",
    "ATK31": "test_a_leaking_mart",
    "ATK32": "test_a_row_that_is_not_ok_tells_nothing",
    "ATK33": "test_a_bucket_that_is_not_over_is_refused",
    "ATK34": "test_the_list_of_per_person_counts_is_refused",
    "ATK35": "test_knowledge_of_few_is_refused",
    "ATK36": "test_a_class_whose_rules_do_not_know_it_is_refused",
    "ATK37": "test_a_class_whose_rules_do_not_know_it_is_refused",
    "ATK38": "test_a_class_whose_rules_do_not_know_it_is_refused",
    "ATK39": "test_a_part_of_a_build_is_refused",
    "ATK40": "test_a_macro_in_the_place_of_dbts_own",
    "ATK41": "test_a_mart_in_another_place",
    "ATK42": "test_a_hook_that_nobody_reviewed",
    "ATK43": "test_a_python_model",
    "ATK44": "test_a_leaking_mart",
    "ATK45": "test_a_right_beyond_reading_the_release_is_refused",
    "ATK46": "test_a_release_of_more_than_tables_is_refused",
    "ATK47": "test_a_file_with_more_than_tables_is_refused",
    "ATK48": "test_failures_kept_in_a_table",
    "ATK49": "test_jinja_that_computes",
    "ATK50": "test_a_cast_that_would_print_what_it_cannot_read",
    "ATK51": "test_expectations_that_keep_values_are_found",
    "ATK52": "test_no_module_of_dagster_shows_data",
    "ATK53": "test_an_exposure_owned_by_a_person",
    "ATK54": "test_a_unit_test_with_a_real_looking_person",
    "ATK55": "test_target_prod_shows_no_rows",
    "ATK57": "test_a_killed_load_goes_on_and_ends_where_an_unkilled_one_does",
    "ATK58": "test_what_a_killed_sort_spilled_lies_in_the_vault_and_is_swept",
    "ATK59": "test_the_release_before_does_not_exist_any_more",
    "ATK63": "test_what_is_no_key_is_refused",
    "ATK64": "test_jinja_that_computes",
    "ATK65": "test_an_unknown_option_or_source_is_refused",
    "ATK66": "test_a_formula_is_refused_as_a_label_and_escaped_in_a_file",
    "ATK67": "test_whoever_asks_the_release_gets_the_release",
}
LATER = {
    "ATK56": "erasure is step 2",
    "ATK60": "Spark zones are step 2",
    "ATK61": "erasure is step 2",
    "ATK62": "erasure is step 2",
    "ATK68": "exceptions are step 2; there are none",
}
ATTACKS = [f"ATK{number:02}" for number in range(1, 69)]


@pytest.fixture(scope="module")
def names() -> set[str]:
    """Names of every test of the project, dbt's unit tests among them."""
    python = "\n".join(path.read_text() for path in (PROJECT / "tests").rglob("*.py"))
    yml = "\n".join(path.read_text() for path in (PROJECT / "models").rglob("*.yml"))
    return {
        *re.findall(r"^def (test_\w+)", python, re.MULTILINE),
        *re.findall(r"^  - name: (\w+__\w+)", yml, re.MULTILINE),
    }


def test_every_attack_is_played_or_waits_for_something() -> None:
    assert sorted([*PLAYED, *LATER]) == ATTACKS


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_has_its_test(attack: str, names: set[str]) -> None:
    if attack in LATER:
        pytest.xfail(LATER[attack])
    assert PLAYED[attack] in names
