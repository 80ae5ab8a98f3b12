"""Rule V01 for sentences: each is its template with the figures of its own row, and no more."""

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

import duckdb

from orchestration.floor_guard.constants import FINDINGS, PUBLISHED_SCHEMA, SEEDS, SENTENCE
from orchestration.floor_guard.rules import refusal

# Grain of a finding, with the seed, key and label that name its groups.
LABELS = {
    "team": ("teams", "team_key", "team_label"),
    "value_stream": ("value_streams", "value_stream_key", "value_stream_label"),
    "system": ("systems", "system_key", "system_label"),
}
SHARES = {
    "value": "value",
    "lower": "lower_bound",
    "upper": "upper_bound",
    "reference": "reference",
}
COUNTS = {"count": "item_count", "total": "total_count"}


@dataclass(frozen=True)
class Wording:
    """What a sentence may be made of: templates by finding, and labels by grain and key."""

    templates: dict[str, str] = field(default_factory=dict)
    labels: dict[tuple[str, str], str] = field(default_factory=dict)


def read_wording(connection: duckdb.DuckDBPyConnection) -> Wording:
    """Read the templates and labels from the seeds in the attached vault."""
    rows = connection.execute(
        f"select finding, template from vault.{SEEDS}.finding_templates"
    ).fetchall()
    labels = {
        (grain, key): label
        for grain, (seed, key_column, label_column) in LABELS.items()
        for key, label in connection.execute(
            f"select {key_column}, {label_column} from vault.{SEEDS}.{seed}"
        ).fetchall()
    }
    return Wording(dict(rows), labels)


def check_sentences(published: duckdb.DuckDBPyConnection, wording: Wording) -> None:
    """Make each sentence of the file to be released again, and compare.

    Raises FlowgrainError (V01) where one says anything else than its figures.
    """
    table = f"{PUBLISHED_SCHEMA}.{FINDINGS}"
    cursor = published.execute(f"select * from {table}")
    names = [column[0] for column in cursor.description or []]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    strange = sum(row.get(SENTENCE) != _render(row, wording) for row in rows)
    if strange:
        raise refusal(
            "V01",
            FINDINGS,
            SENTENCE,
            strange,
            "sentences are not their template with the row's own figures",
            "Put the figures of the row into the template of seeds/catalogue/finding_templates.csv",
        )


def _render(row: dict[str, object], wording: Wording) -> str | None:
    sentence = wording.templates.get(str(row.get("finding")))
    if sentence is None:
        return None
    stage = str(row.get("stage") or "")
    parts = {
        "stage": "" if stage == "none" else stage[:1].upper() + stage[1:],
        **{name: _percent(row.get(column)) for name, column in SHARES.items()},
        **{name: _whole(row.get(column)) for name, column in COUNTS.items()},
        # Last, for braces in a label are text.
        "group": wording.labels.get((str(row.get("grain")), str(row.get("grain_key"))), ""),
    }
    for name, text in parts.items():
        sentence = sentence.replace(f"{{{name}}}", text)
    return sentence


def _percent(share: object) -> str:
    if share is None:
        return ""
    whole = (Decimal(str(share)) * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return f"{whole} %"


def _whole(number: object) -> str:
    return "" if number is None else str(number)
