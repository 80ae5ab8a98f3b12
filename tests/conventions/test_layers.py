"""Data travels one way: each layer reads only the one to its left."""

import re

from conftest import Lab

LEFT = {
    "staging": {"source"},
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


def test_staging_only_renames_and_types(lab: Lab) -> None:
    """What joins or sums lies further right, where a reader looks for rules."""
    wrong = [
        name
        for name, node in lab.models.items()
        if layer_of(node) == "staging" and re.search(r"\b(join|group by)\b", node["raw_code"])
    ]
    assert wrong == []
