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


@dataclass(frozen=True, order=True)
class Finding:
    """What a rule of the compiler has to say of one place: never a value of a source."""

    rule: str
    path: str
    line: int
    name: str
    column: str
    why: str
    remedy: str
    example: str

    @property
    def what(self) -> str:
        """Where, and what is wrong."""
        place = f"{self.path}:{self.line} " if self.path else ""
        return f"{place}{self.name} {self.column}: {self.why}"

    def __str__(self) -> str:
        """One line to read, with how to say it right."""
        return f"GL-{self.rule} {self.what}. {self.remedy}, e.g. {self.example}"


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


def listed(words: Iterable[str]) -> str:
    """Words of our own as an SQL list."""
    return "(" + ", ".join(f"'{word}'" for word in words) + ")"


def quoted(name: str) -> str:
    """Quote an identifier, so that a name is never SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text for the statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"
