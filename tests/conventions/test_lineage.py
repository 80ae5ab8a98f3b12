"""Whom a measure rests on: read from what each model is made of, down to what landed."""

from conftest import Lab

from orchestration.landing.contract import SOURCES, entities

# Columns that the door makes of people, whatever the source.
PEOPLE = {
    column.name
    for source in SOURCES
    for entity in entities(source).values()
    for column in entity.landed
    if column.class_ == "person_key"
}


def people_under(lab: Lab, model: str) -> set[str]:
    """Columns of a model and of all that it is made of which hold the key of a person."""
    nodes = {**lab.manifest["nodes"], **lab.manifest["sources"]}
    lineage = [lab.models[model]["unique_id"]]
    for node in lineage:
        lineage += [p for p in lab.manifest["parent_map"][node] if p not in lineage]
    silent = [node for node in lineage if not nodes[node]["columns"]]
    assert silent == [], "nobody can tell what their columns hold"
    return {
        f"{node.split('.', 2)[2]}.{name}"
        for node in lineage
        for name, column in nodes[node]["columns"].items()
        if name in PEOPLE or column["config"]["meta"].get("class") == "person_key"
    }


def test_what_systems_are_measured_by_rests_on_nobody(lab: Lab) -> None:
    """No ancestor has a person to give away, used or not: neither a model nor a landed table."""
    assert people_under(lab, "int_system_measurements") == set()
    assert people_under(lab, "int_system_states") == set()


def test_people_are_seen_where_they_are(lab: Lab) -> None:
    """The same reading finds them landed, staged and renamed under what people are measured by."""
    assert people_under(lab, "int_review_measurements") >= {
        "files.changes.author_key",
        "devlake.pull_request_comments.account_id_key",
        "stg_canonical__commit_coauthors.coauthor_key",
        "int_change_people.person_key",
        "int_human_reviews.reviewer_key",
    }
