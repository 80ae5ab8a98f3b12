"""Rules C18 and C19 for what nobody reviewed: which names of Jinja a model or test may use.

Read off the syntax tree that dbt itself works on, so another spelling of a name is the same name.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from dbt_common.clients.jinja import get_environment
from jinja2 import TemplateSyntaxError, meta, nodes

# What dbt hands a template that says nothing but where rows come from and how text is put together.
NAMES = frozenset({"ref", "source", "config", "doc", "range", "none", "true", "false"})
# In the arguments that dbt gives a generic test.
OF_TESTS = frozenset({"get_where_subquery", "_dbt_generic_test_kwargs"})
FILTERS = frozenset(
    {
        "as_bool", "as_native", "as_number", "as_text", "default", "first", "int", "join", "last",
        "length", "list", "lower", "replace", "sort", "string", "trim", "unique", "upper",
    }
)  # fmt: skip
VARIABLES = frozenset({"var", "env_var"})


@dataclass(frozen=True)
class Use:
    """A use of Jinja that is not allowed: the rule, its line, and what it is."""

    rule: str
    line: int
    why: str


def uses(text: str, macros: Iterable[str], packages: Iterable[str]) -> Iterator[Use]:
    """What a template does beyond naming relations and calling reviewed macros, given by name."""
    if "{" not in text:
        return
    try:
        tree, undeclared = _read(text)
    except TemplateSyntaxError as error:
        yield Use("C18", error.lineno, "its Jinja cannot be read")
        return
    packages = {*packages}
    allowed = NAMES | OF_TESTS | {*macros} | packages
    for name in sorted(undeclared - allowed):
        rule = "C19" if name in VARIABLES else "C18"
        yield Use(rule, _line(tree, name), f"Jinja uses {name}")
    members = [
        node
        for node in tree.find_all(nodes.Getattr)
        if isinstance(node.node, nodes.Name) and node.node.name in packages
    ]
    for member in members:
        if member.attr not in allowed:
            yield Use("C18", member.lineno, f"Jinja uses {member.attr} of a package")
    called = {id(node.node) for node in members}
    for handed in tree.find_all(nodes.Name):
        if handed.name in packages and id(handed) not in called:
            yield Use("C18", handed.lineno, "Jinja hands on a package")
    for node in tree.find_all((nodes.Getattr, nodes.Getitem, nodes.Filter)):
        if isinstance(node, nodes.Filter) and node.name not in FILTERS:
            yield Use("C18", node.lineno, f"Jinja uses the filter {node.name}")
        elif isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
            yield Use("C18", node.lineno, "Jinja looks inside an object")
        elif isinstance(node, nodes.Getitem) and not _is_plain(node.arg):
            yield Use("C18", node.lineno, "Jinja computes a name")
        elif isinstance(node, nodes.Getitem) and isinstance(node.node, nodes.Name):
            if node.node.name in allowed:
                yield Use("C18", node.lineno, "Jinja computes a name")


@cache
def _environment() -> Any:
    return get_environment(None, capture_macros=False)


@cache
def _read(text: str) -> tuple[nodes.Template, frozenset[str]]:
    """A template's tree, and the names that it takes from dbt; most tests are the same text."""
    tree: nodes.Template = _environment().parse(text)
    return tree, frozenset(meta.find_undeclared_variables(tree))


def _line(tree: nodes.Template, name: str) -> int:
    return next((node.lineno for node in tree.find_all(nodes.Name) if node.name == name), 1)


def _is_plain(argument: nodes.Node) -> bool:
    if isinstance(argument, nodes.Const):
        return not str(argument.value).startswith("_")
    return isinstance(argument, nodes.Slice)
