"""Data travels one way: each layer reads only the one to its left."""

import re

from conftest import Lab

LEFT = {
    "staging": {"source", "staging"},
    "intermediate": {"staging", "intermediate", "seed"},
    "floor": {"intermediate", "floor", "seed"},
    "marts": {"floor_observations", "marts", "seed"},
}


def layer_of(node: dict) -> str:
    """Name of the layer that a node of the manifest lies in."""
    if node["resource_type"] != "model":
        return node["resource_type"]
    if node["name"] == "floor_observations":
        return node["name"]
    return next(layer for layer in LEFT if layer in node["fqn"])


def test_each_layer_reads_only_the_one_to_its_left(lab: Lab) -> None:
    nodes = {**lab.manifest["nodes"], **lab.manifest["sources"]}
    wrong = [
        f"{node['name']} reads {nodes[parent]['name']}"
        for node in lab.models.values()
        for parent in node["depends_on"]["nodes"]
        if layer_of(nodes[parent])
        not in LEFT["floor" if layer_of(node) == "floor_observations" else layer_of(node)]
    ]
    assert wrong == []


def test_only_the_observations_may_be_referenced_from_above(lab: Lab) -> None:
    open_ = {name for name, node in lab.models.items() if node["access"] != "private"}
    marts = {name for name, node in lab.models.items() if layer_of(node) == "marts"}
    assert open_ - marts == {"floor_observations"}


def folder_of(node: dict) -> str:
    """Folder of staging that a model lies in, which is the name of what it maps."""
    return node["fqn"][node["fqn"].index("staging") + 1]


def test_staging_of_the_contract_only_renames_and_types(lab: Lab) -> None:
    """What joins or sums lies further right; only a tool's own tables are mapped by joins."""
    wrong = [
        name
        for name, node in lab.models.items()
        if layer_of(node) == "staging"
        and folder_of(node) in ("canonical", "door")
        and re.search(r"\b(join|group by)\b", node["raw_code"])
    ]
    assert wrong == []


def test_a_tools_staging_reads_that_tool_alone(lab: Lab) -> None:
    """So that what one source means is said in one folder."""
    nodes = {**lab.manifest["nodes"], **lab.manifest["sources"]}
    wrong = [
        f"{node['name']} reads {parent}"
        for node in lab.models.values()
        if layer_of(node) == "staging" and folder_of(node) not in ("canonical", "door")
        for parent in node["depends_on"]["nodes"]
        if folder_of(node) not in (nodes[parent].get("source_name"), nodes[parent]["fqn"][-2])
    ]
    assert wrong == []
