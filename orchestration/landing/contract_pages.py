"""Writes what follows from the contract: a docs page per entity and dbt's source files."""

from pathlib import Path

from orchestration.home import PROJECT
from orchestration.landing.contract import MOST, SOURCES, Entity, contract_version, entities
from orchestration.landing.freshness import SEED, windows

SOURCE_TEXTS = {
    "files": "CSV or Parquet files in the shape of the contract; the demo comes this way too.",
    "github": "Objects of GitHub's REST API, as far as they are read.",
    "devlake": "Tables of DevLake's domain layer, as far as they are read.",
    "git": "Local clones and bare repositories.",
}


def pages() -> dict[Path, str]:
    """Every generated file with its text; a test holds the committed ones against it."""
    docs = PROJECT / "docs" / "contract"
    staging = PROJECT / "models" / "vault" / "staging"
    out = {docs / f"{entity.name}.md": _page(entity) for entity in entities().values()}
    out[docs / "README.md"] = _index()
    for source in SOURCES:
        name = "canonical" if SOURCES[source] == "contract.yml" else source
        out[staging / name / f"_{source}__sources.yml"] = _source_yml(source)
    return out


def write() -> None:
    """Bring the generated files in step with the contract."""
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _index() -> str:
    rows = "\n".join(f"| [{e.name}]({e.name}.md) | {e.description} |" for e in entities().values())
    return f"""# The files contract, version {contract_version()}

One CSV or Parquet file per entity, named after it; leave out what you do not have: what depends on
it then reads `not_measurable`. `flowgrain land files DIR` lands a folder of them. The machine's
form of these pages is `orchestration/landing/contract.yml`; the loader enforces it.

| entity | what a row is |
| --- | --- |
{rows}

- **CSV**: UTF-8, comma, a line of column names, RFC 4180 quotes. An empty field is null.
- **JSON lines**: `deployments.jsonl` and `incidents.jsonl` may hold what DevLake's incoming
  webhooks take (devlake.apache.org/docs/Plugins/webhook), an object a line: what posts there may
  write here.
- **Times** are ISO 8601 with their zone (`2026-03-02T09:15:00Z`, `2026-03-02T10:15:00+01:00`).
  A time without a zone goes to quarantine.
- **Booleans** are `true` or `false` (`yes`, `1` and their opposites are taken for them);
  **integers** have no fraction and are a billion at most, **numbers** have a point and are a
  million times a million at most; **quarters** are `2026-q1`.
- **People** are any account name or address. The door replaces them by keys before a row is
  written. `<column>_is_bot` may say `true` where your source knows.
- **Free text** is read for what is derived of it and never lands.
- **Columns that the contract does not name** are dropped and counted.
- **Rows that cannot be read** go to quarantine with file, row, field and reason; the rest lands.
  `flowgrain replay` reads them again, under the contract as it is then. A file of a hundred rows
  or more of which more than half cannot be read is refused: its source writes otherwise now.
- **Newer versions of a row** replace older ones by key: by `updated_at` where the entity has it,
  else by the order of loading.
- `extract.csv` (one column `loaded_to`, one row): everything that happened before this time is in
  the files. Without it the time the newest file was written counts. Later events are quarantined.
- `identities.csv` (`alias`, `person`): whose an account is, so that nobody counts twice. It stays
  behind the door. **An account that nobody declares counts as no person**: it may be anybody's
  second one. `flowgrain accounts` drafts the list, `flowgrain land accounts FILE` declares it
  without a folder. The first declaration of an account stays: read the list before you land it.
"""


def _page(entity: Entity) -> str:
    rows = []
    for column in entity.columns.values():
        kind = column.type.replace("_", " ")
        if column.values:
            kind += ": " + ", ".join(f"`{value}`" for value in column.values)
        if column.most != MOST.get(column.type):
            kind += f", at most {column.most}"
        if column.is_week:
            kind += "; of it only the week lands"
        if column.is_planned:
            kind += "; may lie ahead"
        if column.most_twice:
            kind += f", at most twice `{column.most_twice}`"
        needed = "yes" if column.required else ""
        example = f"`{column.example}`" if column.example else ""
        rows.append(f"| `{column.name}` | {kind} | {needed} | {column.description} | {example} |")
    landed = [f"| `{c.name}` | {c.type} | {c.class_} | {c.description} |" for c in entity.landed]
    first = [c for c in entity.columns.values() if c.example and c.type != "free_text"]
    header = ",".join(c.name for c in first)
    line = ",".join(c.example for c in first)
    newline = "\n"
    return f"""# {entity.name}

{entity.description} Key: {", ".join(f"`{name}`" for name in entity.key)}. Contract version
{contract_version()}.

## What the file holds

| column | type | needed | meaning | example |
| --- | --- | --- | --- | --- |
{newline.join(rows)}

```csv
{header}
{line}
```

## What lands

| column | type | class | meaning |
| --- | --- | --- | --- |
{newline.join(landed)}
"""


def _freshness(source: str) -> list[str]:
    """A source that was never connected is not stale: nobody waits for it."""
    window = windows()[source]
    hours = [int(after.total_seconds() // 3600) for after in window]
    return [
        f"    # From {SEED}: of the connections the one left longest.",
        "    config:",
        "      loaded_at_query: >",
        "        select coalesce(min(landed_at), {{ dbt.current_timestamp() }})",
        f"        from door.connections where source = '{source}' and loaded_to is not null",
        "      freshness:",
        f"        warn_after: {{ count: {hours[0]}, period: hour }}",
        f"        error_after: {{ count: {hours[1]}, period: hour }}",
    ]


def _source_yml(source: str) -> str:
    lines = [
        f"# Written by `make contract` from orchestration/landing/{SOURCES[source]}.",
        "sources:",
        f"  - name: {source}",
        f"    schema: raw_{source}",
        f"    description: {SOURCE_TEXTS[source]}",
        *_freshness(source),
        "    tables:",
    ]
    for entity in entities(source).values():
        lines += [
            f"      - name: {entity.name}",
            f"        description: {entity.description}",
            "        columns:",
        ]
        for column in entity.landed:
            lines += [
                f"          - name: {column.name}",
                f'            description: "{column.description}"',
                f"            data_type: {column.type}",
                f"            config: {{ meta: {{ class: {column.class_} }} }}",
            ]
        lines += [
            "          - name: _load_id",
            '            description: "Load that brought this version of the row."',
            "            config: { meta: { class: attr } }",
            "          - name: _row_hash",
            '            description: "Digest of the row, by which an equal one is known."',
            "            config: { meta: { class: event_id } }",
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    write()
