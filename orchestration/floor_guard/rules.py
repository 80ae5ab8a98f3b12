"""What every rule of the gate has in common: a code, a function, and how it says no."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from orchestration.errors import FlowgrainError

Subject = TypeVar("Subject")


@dataclass(frozen=True)
class Rule(Generic[Subject]):
    """One rule of docs/grain-floor.md: its check raises, or has nothing to say."""

    code: str
    check: Callable[[Subject], None]


def apply(rules: Iterable[Rule[Subject]], subject: Subject) -> list[str]:
    """Hold the subject against each rule; return the codes of those that passed."""
    passed = []
    for rule in rules:
        rule.check(subject)
        passed.append(rule.code)
    return passed


def refusal(
    rule: str, relation: str, column: str, count: int, why: str, remedy: str
) -> FlowgrainError:
    """Say which rule, relation, column and how often; a value is never told."""
    return FlowgrainError(f"{relation} {column} {count}: {why}", remedy, rule=rule)


def quoted(name: str) -> str:
    """Quote an identifier, so that a name is never SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text for the statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"
