"""The questions of analyses/ on the demo's release: what is planted is what is answered."""

from pathlib import Path

import pytest
from conftest import Lab

from orchestration.errors import FlowgrainError
from orchestration.home import Home
from orchestration.landing.demo import parameters
from orchestration.questions import PAGE, Answer, Question, answer, questions

NAMES = [question.name for question in questions()]


def column(given: Answer, name: str) -> list[str]:
    """Cells of one column."""
    return [row[given.columns.index(name)] for row in given.rows]


@pytest.mark.parametrize("name", NAMES)
def test_every_question_has_an_answer_on_the_demo_and_stands_in_the_docs(
    lab: Lab, name: str
) -> None:
    assert answer(lab.home, name).rows
    assert f"analyses/{name}.sql" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("question", questions(), ids=NAMES)
def test_every_question_opens_with_itself(question: Question) -> None:
    assert "?" in question.text


def test_payments_waits_for_review_in_every_quarter(lab: Lab) -> None:
    given = answer(lab.home, "where_does_work_wait_in_payments")
    assert len(given.rows) == parameters()["calendar"]["quarters"]
    assert set(column(given, "stage")) == {"review"}
    assert set(column(given, "since_the_first_quarter")) == {"no clear change"}


def test_the_planted_systems_are_fragile(lab: Lab) -> None:
    planted = set(parameters()["planted"]["one_author_systems"]["systems"])
    labels = {
        system["label"]
        for team in parameters()["teams"].values()
        for system in team["systems"]
        if system["key"] in planted
    }
    given = answer(lab.home, "which_revenue_critical_systems_are_fragile")
    assert set(column(given, "system")) == labels


def test_the_planted_team_pays_for_its_speed(lab: Lab) -> None:
    team = parameters()["teams"][parameters()["planted"]["fast_team"]["team"]]
    assert column(answer(lab.home, "does_speed_cost_stability"), "team") == [team["label"]]


def test_no_ci_change_is_planted_and_none_is_found(lab: Lab) -> None:
    given = answer(lab.home, "did_the_ci_change_help")
    assert set(column(given, "answer")) == {"no clear change"}


def test_a_question_that_nobody_wrote_is_said_plainly(lab: Lab) -> None:
    with pytest.raises(FlowgrainError, match="no question"):
        answer(lab.home, "who_is_slow")


def test_without_a_release_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FlowgrainError, match="Nothing is published"):
        answer(Home(tmp_path), NAMES[0])
