"""Rule C14: what the guard is made of, as digests that a reviewer sees change.

The guard is whatever decides who is counted and what is hidden: the floor's models and all that
they read, the classes of what lands, the catalogue, every macro, the run's hooks. Each has a digest
of its text, configuration and columns in pins.json; descriptions are none of it.
"""

import hashlib
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from orchestration.errors import FlowgrainError

Json = dict[str, Any]

PINS = Path(__file__).with_name("pins.json")
# Folder of the seeds that are the product's own; the others are the organisation's.
CATALOGUE = "seeds/catalogue/"
# What is written for people changes nothing.
FOR_READERS = ("docs", "tags", "description")


def digests(manifest: Json, floor: list[str]) -> Json:
    """Digests of all that the floor's models, given by their ids, rest on; by kind and id."""
    nodes, macros = manifest["nodes"], manifest["macros"]
    own = manifest["metadata"]["project_name"]
    packages: dict[str, list[list[str]]] = defaultdict(list)
    for key, macro in sorted(macros.items()):
        if macro["package_name"] != own:
            packages[macro["package_name"]].append([key, macro["macro_sql"]])
    return {
        "hooks": {
            key: _digest(node["raw_code"])
            for key, node in nodes.items()
            if node["resource_type"] == "operation"
        },
        "macros": {
            key: _digest(macro["macro_sql"])
            for key, macro in macros.items()
            if macro["package_name"] == own
        },
        "nodes": {key: _digest(_of_node(nodes[key])) for key in _ancestors(nodes, floor)},
        "packages": {name: _digest(texts) for name, texts in packages.items()},
        "sources": {
            key: _digest(
                [
                    source["schema"],
                    source["identifier"],
                    source.get("meta"),
                    source["config"].get("meta"),
                    _columns(source),
                ]
            )
            for key, source in manifest["sources"].items()
        },
    }


def write_pins(guard: Json) -> None:
    """Write the digests down."""
    PINS.write_text(json.dumps(guard, indent=2, sort_keys=True) + "\n")


def read_pins() -> Json:
    """Read what was reviewed; raise FlowgrainError (C14) where it cannot be read."""
    try:
        pins: Json = json.loads(PINS.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise FlowgrainError(
            f"{PINS} cannot be read", "Restore it from the release", rule="C14"
        ) from None
    return pins


def _ancestors(nodes: Json, keys: list[str]) -> list[str]:
    """Models and seeds that these read, however deep, with themselves."""
    found: set[str] = set()
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key in nodes and key not in found:
            found.add(key)
            waiting += nodes[key]["depends_on"].get("nodes", ())
    return sorted(found)


def _of_node(node: Json) -> list[Any]:
    config = {name: value for name, value in node["config"].items() if name not in FOR_READERS}
    told = [config, _columns(node), node.get("constraints") or []]
    if node["resource_type"] != "seed":
        return [node["raw_code"], sorted(node["depends_on"]["nodes"]), *told]
    # Rows of the catalogue say what is measured of whom; other seeds are the organisation's own.
    is_own = node["original_file_path"].startswith(CATALOGUE)
    return [node["checksum"] if is_own else None, *told]


def _columns(node: Json) -> Json:
    return {
        name: [column.get("data_type"), column["config"].get("meta"), column.get("constraints")]
        for name, column in node["columns"].items()
    }


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
