"""Rules S02, V01 to V03, V05, V07: what may be written in the very file that is to be released."""

import base64
import codecs
import csv
import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import duckdb

from orchestration.errors import FlowgrainError
from orchestration.floor_guard.constants import (
    ACTIVITY,
    AI_USE,
    CATALOGUE_TEXTS,
    COLUMN_VOCABULARY,
    FINDINGS,
    PUBLISHED_SCHEMA,
    SEEDS,
    SENTENCE,
    SURVEY_ANSWERS,
    WORDS,
)
from orchestration.floor_guard.rules import Rule, apply, literal, quoted, refusal
from orchestration.floor_guard.sentences import Wording, check_sentences, read_wording
from orchestration.home import Home

if TYPE_CHECKING:
    from orchestration.floor_guard.candidates import Candidate

ORGANISATION = ("teams", "value_streams", "systems")
CATALOGUE_MART = "dim_metric"
# What the file's catalogue is called while it is open.
PUBLISHED = "published"
REGISTER = "Publish registered keys, labels and words only"
RENAME = "Give what carries it a name that nobody has"
ALIAS = "Give it an alias in the organisation's CSV file, e.g. s_017 and what is done there"

PATTERNS = (
    re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+"),  # e-mail
    re.compile(r"(?<!\w)@\w"),  # mention
    re.compile(r"\w+://|\bwww\.|\busers/|noreply", re.IGNORECASE),
    re.compile(r"\b[0-9a-f]{32,}\b", re.IGNORECASE),  # digest or commit
    re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE),  # UUID
    re.compile(r"p\d+[a-z2-7]{26}", re.IGNORECASE),  # person key
)
# A key says nothing, and needs no quoting anywhere.
PLAIN_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*")
# A spreadsheet runs a cell that begins so.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
SEPARATORS = re.compile(r"[\s/,;:|()\[\]{}<>\"'=]+")
# Below these lengths a piece of a text is a word more often than it is somebody.
TELLING_LENGTH = 6
TELLING_ENCODED_LENGTH = 8
LONGEST_NAME = 4
# Account ids that are numbers: shorter ones are counts more often than somebody.
NUMBER = re.compile(r"\d{6,18}")
NUMERIC = ("BIGINT", "INTEGER", "DECIMAL")
# All that a catalogue tells of a file: the text of a table names columns, types and whatever binds.
METADATA = """
    select '*' as place, '*' as part, schema_name as told, coalesce(comment, '') as remark
    from duckdb_schemas() where database_name = $1 and not internal
    union all
    select table_name, '*', sql, coalesce(comment, '')
    from duckdb_tables() where database_name = $1
    union all
    select table_name, column_name, data_type, coalesce(comment, '')
    from duckdb_columns() where database_name = $1
"""


@dataclass(frozen=True)
class Known:
    """Every form in which a known person could be written, made unreadable in no message."""

    whole: frozenset[str]
    telling: frozenset[str]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Registered:
    """The texts that may be published: per metric, and anywhere."""

    anywhere: frozenset[str]
    group_keys: frozenset[str]
    metrics: dict[str, frozenset[str]]
    wording: Wording = field(default_factory=Wording)


@dataclass(frozen=True)
class NextFile:
    """The file to be released, opened the way its readers will, and what it is held against."""

    connection: duckdb.DuckDBPyConnection
    declared: "tuple[Candidate, ...]"
    registered: Registered
    known: Known
    texts: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    remarks: dict[tuple[str, str], list[str]] = field(default_factory=dict)


def open_published(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a published file with no way out of it: no other file, no setting, no extension."""
    connection = duckdb.connect(
        config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    try:
        # By its own name the file's catalogue and its schema would both be called marts.
        connection.execute(f"attach {literal(str(path))} as {PUBLISHED} (read_only)")
        connection.execute(f"use {PUBLISHED}")
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
    except duckdb.Error:
        connection.close()
        raise FlowgrainError(
            f"{path} cannot be opened", "Run `flowgrain publish` to write it anew"
        ) from None
    return connection


def admit_vocabulary(connection: duckdb.DuckDBPyConnection, known: Known) -> list[str]:
    """Hold what the organisation registers against V07, shown or not; return the code that passed.

    Raises FlowgrainError (V07) where a text names somebody, looks like an account or would run in
    a spreadsheet, or where a key is no plain one.
    """
    for seed in ORGANISATION:
        cursor = connection.execute(f"select * from vault.{SEEDS}.{seed}")
        columns = [column[0] for column in cursor.description or []]
        rows = cursor.fetchall()
        for place, column in enumerate(columns):
            texts = _texts(row[place] for row in rows)
            for why, is_refused in _objections(column, known).items():
                count = sum(is_refused(text) for text in texts)
                if count:
                    raise refusal("V07", seed, column, count, why, ALIAS)
    return ["V07"]


def starts_formula(text: str) -> bool:
    """Say whether a spreadsheet would run a text rather than show it."""
    return text.startswith(FORMULA_STARTS)


def read_registered(connection: duckdb.DuckDBPyConnection) -> Registered:
    """Read what is registered, from the seeds in the attached vault."""
    organisation = {
        seed: connection.execute(f"select * from vault.{SEEDS}.{seed}").fetchall()
        for seed in ORGANISATION
    }
    labels = {cell for rows in organisation.values() for row in rows for cell in row}
    # The key is the first column of each of these seeds.
    keys = {row[0] for rows in organisation.values() for row in rows}
    cursor = connection.execute(f"select * from vault.{SEEDS}.metrics")
    place = [column[0] for column in cursor.description or []].index("metric_key")
    metrics = {row[place]: _texts(row) for row in cursor.fetchall()}
    catalogue = {
        cell
        for seed in CATALOGUE_TEXTS
        for row in connection.execute(f"select * from vault.{SEEDS}.{seed}").fetchall()
        for cell in row
    }
    return Registered(
        anywhere=_texts(labels) | _texts(catalogue) | WORDS | frozenset(metrics),
        group_keys=_texts(keys),
        metrics=metrics,
        wording=read_wording(connection),
    )


def read_known(home: Home, connection: duckdb.DuckDBPyConnection) -> Known:
    """Read who is known, from the door's map of accounts and the keys in the vault."""
    identifiers: set[str] = set()
    path = home.door / "identities.csv"
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                identifiers.update(_texts((row.get("alias"), row.get("person"))))
    keys = connection.execute(
        f"select person_key from vault.{ACTIVITY} "
        f"union select person_key from vault.{SURVEY_ANSWERS} "
        f"union select person_key from vault.{AI_USE}"
    ).fetchall()
    identifiers.update(_texts(key for (key,) in keys))
    return known_forms(identifiers)


def known_forms(identifiers: Iterable[str]) -> Known:
    """Write each identifier in every form in which it is looked for."""
    whole: set[str] = set()
    telling: set[str] = set()
    numbers: set[int] = set()
    for identifier in identifiers:
        plain = canonical(identifier)
        if not plain or plain in WORDS:
            continue
        whole.add(plain)
        if NUMBER.fullmatch(plain):
            numbers.add(int(plain))
        if len(plain) >= TELLING_LENGTH and not plain.isalpha():
            telling.add(plain)
        for text in {plain, identifier.strip()}:
            for form in _encoded(text):
                whole.add(form)
                if len(form) >= TELLING_ENCODED_LENGTH:
                    telling.add(form)
    return Known(frozenset(whole), frozenset(telling), frozenset(numbers))


def canonical(text: str) -> str:
    """Write a text so that two spellings of one account are equal."""
    for _ in range(3):
        text = unquote(text)
    text = unicodedata.normalize("NFKC", text)
    text = "".join(letter for letter in text if unicodedata.category(letter)[0] != "C")
    return unicodedata.normalize("NFKC", text.casefold()).strip()


def names_somebody(text: str, known: Known) -> bool:
    """Say whether a text is, or holds, a known identifier in any form."""
    plain = canonical(text)
    if plain in WORDS:
        return False
    if plain in known.whole or plain.rstrip("=") in known.whole:
        return True
    return any(piece in known.telling for piece in _pieces(plain))


def has_pattern(text: str) -> bool:
    """Say whether a text looks like an address, a mention, a digest or a key."""
    return any(pattern.search(form) for pattern in PATTERNS for form in {text, canonical(text)})


def check_file(
    path: Path, declared: "tuple[Candidate, ...]", registered: Registered, known: Known
) -> list[str]:
    """Hold the file against what is declared, registered and known; return the codes that passed.

    Raises FlowgrainError with the code of the first rule that it breaks.
    """
    connection = open_published(path)
    try:
        return apply(RULES, _read_file(NextFile(connection, declared, registered, known)))
    finally:
        connection.close()


def _read_file(file: NextFile) -> NextFile:
    connection = file.connection
    columns = connection.execute(
        """
        select table_name, column_name, data_type, comment from duckdb_columns()
        where schema_name = ? and not internal
        order by table_name, column_index
        """,
        [PUBLISHED_SCHEMA],
    ).fetchall()
    for table, column, kind, comment in columns:
        if kind == "VARCHAR":
            rows = connection.execute(
                f"select distinct {quoted(column)} from {PUBLISHED_SCHEMA}.{quoted(table)}"
            ).fetchall()
            file.texts[table, column] = [text for (text,) in rows if text is not None]
        file.remarks[table, column] = [table, column, *([comment] if comment else [])]
    for table, comment in connection.execute(
        "select table_name, comment from duckdb_tables() where comment is not null"
    ).fetchall():
        file.remarks[table, "*"] = [comment]
    return file


def _objections(column: str, known: Known) -> dict[str, Callable[[str], bool]]:
    """What is held against a text before it becomes vocabulary."""
    objections: dict[str, Callable[[str], bool]] = {
        "texts name somebody who is known": lambda text: names_somebody(text, known),
        "texts look like an address, a digest or a key": has_pattern,
        # Full-width signs and blanks before them are a formula to some.
        "texts would run in a spreadsheet": lambda text: (
            starts_formula(text) or starts_formula(canonical(text))
        ),
        "texts hold control characters": lambda text: any(
            unicodedata.category(letter) == "Cc" for letter in text
        ),
    }
    if column.endswith("_key"):
        objections["keys are not plain"] = lambda text: not PLAIN_KEY.fullmatch(text)
    return objections


def _texts(cells: Iterable[object]) -> frozenset[str]:
    return frozenset(cell for cell in cells if isinstance(cell, str) and cell)


def _encoded(text: str) -> Iterator[str]:
    raw = text.encode()
    yield text[::-1].casefold()
    yield codecs.encode(text, "rot13").casefold()
    yield raw.hex()
    yield base64.b64encode(raw).decode().rstrip("=").casefold()
    yield base64.urlsafe_b64encode(raw).decode().rstrip("=").casefold()
    yield base64.b32encode(raw).decode().rstrip("=").casefold()
    yield hashlib.md5(raw, usedforsecurity=False).hexdigest()
    yield hashlib.sha1(raw, usedforsecurity=False).hexdigest()
    yield hashlib.sha256(raw).hexdigest()


def _pieces(text: str) -> Iterator[str]:
    """Cut a text into words, and into runs of words, for a name may be of several."""
    words = [word.strip(".!?`*_") for word in text.split()]
    for length in range(2, LONGEST_NAME + 1):
        for first in range(len(words) - length + 1):
            yield " ".join(words[first : first + length]).strip(",;:()")
    for word in (*SEPARATORS.split(text), *words):
        yield word
        yield word.rstrip("=.!?")
        parts = re.split(r"([^\w])", word)
        yield from parts
        yield from (first + second for first, second in pairwise(parts))


def _holds_tables_only(file: NextFile) -> None:
    others = file.connection.execute(
        f"""
        select
            (select count(*) from duckdb_views() where not internal)
            + (select count(*) from duckdb_functions() where not internal)
            + (select count(*) from duckdb_types() where not internal)
            + (select count(*) from duckdb_sequences())
            + (select count(*) from duckdb_indexes())
            + (select count(*) from duckdb_tables() where schema_name != '{PUBLISHED_SCHEMA}')
        """
    ).fetchone()
    if others and others[0]:
        raise refusal(
            "S02", "marts.duckdb", "*", others[0], "holds more than tables", "Publish again"
        )


def _is_as_declared(file: NextFile) -> None:
    """Names, their order, types and comments, and no more: a default or a check is a text too."""
    with duckdb.connect() as blank:
        blank.execute(f"create schema {PUBLISHED_SCHEMA}")
        for candidate in file.declared:
            for statement in candidate.declaration(PUBLISHED_SCHEMA):
                blank.execute(statement)
        expected = set(blank.execute(METADATA, ["memory"]).fetchall())
    actual = set(file.connection.execute(METADATA, [PUBLISHED]).fetchall())
    differing = sorted((name, part) for name, part, *_ in actual ^ expected)
    if not differing:
        return
    # What nobody declared may be a name: it is counted, not told.
    places = {(known.name, part) for known in file.declared for part in {"*"} | known.names()}
    table, column = next((place for place in differing if place in places), ("marts.duckdb", "*"))
    raise refusal(
        "V05", table, column, len(set(differing)), "parts of the file are not as declared",
        "Publish again; what a table is called and says is declared in its yml",
    )  # fmt: skip


def _texts_are_registered(file: NextFile) -> None:
    for (table, column), texts in file.texts.items():
        if table == CATALOGUE_MART or (table, column) == (FINDINGS, SENTENCE):
            continue
        allowed: frozenset[str] = file.registered.anywhere
        if column in COLUMN_VOCABULARY:
            allowed = frozenset(COLUMN_VOCABULARY[column])
        elif column == "metric_key":
            allowed = frozenset(file.registered.metrics) | {"none"}
        elif column.endswith("_key"):
            allowed = file.registered.group_keys | WORDS
        strange = sum(text not in allowed for text in texts)
        if strange:
            raise refusal("V01", table, column, strange, "texts are not registered", REGISTER)


def _catalogue_is_the_seed(file: NextFile) -> None:
    columns = [column for table, column in file.texts if table == CATALOGUE_MART]
    if "metric_key" not in columns:
        return
    for column in columns:
        rows = file.connection.execute(
            f"select metric_key, {quoted(column)} from {PUBLISHED_SCHEMA}.{CATALOGUE_MART}"
        ).fetchall()
        strange = sum(
            text not in file.registered.metrics.get(key, frozenset()) for key, text in rows if text
        )
        if strange:
            raise refusal(
                "V01",
                CATALOGUE_MART,
                column,
                strange,
                "texts differ from the catalogue seed",
                REGISTER,
            )


def _sentences_are_their_figures(file: NextFile) -> None:
    if (FINDINGS, SENTENCE) in file.texts:
        check_sentences(file.connection, file.registered.wording)


def _nobody_is_named(file: NextFile) -> None:
    for place, texts in _every_text(file):
        count = sum(names_somebody(text, file.known) for text in texts)
        if count:
            raise refusal("V02", *place, count, "texts name somebody who is known", RENAME)


def _nothing_looks_like_somebody(file: NextFile) -> None:
    for place, texts in _every_text(file):
        count = sum(has_pattern(text) for text in texts)
        if count:
            raise refusal(
                "V03", *place, count, "texts look like an address, a digest or a key", RENAME
            )


def _no_number_is_somebody(file: NextFile) -> None:
    known = sorted(file.known.numbers)
    if not known:
        return
    for table, column, kind in file.connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() where schema_name = ?",
        [PUBLISHED_SCHEMA],
    ).fetchall():
        if not kind.startswith(NUMERIC):
            continue
        found = file.connection.execute(
            f"""
            select count(*) from {PUBLISHED_SCHEMA}.{quoted(table)}
            where cast({quoted(column)} as decimal(38, 4)) in (select unnest(?::decimal(38, 4)[]))
            """,
            [known],
        ).fetchone()
        if found and found[0]:
            raise refusal("V03", table, column, found[0], "numbers are ids of accounts", RENAME)


def _every_text(file: NextFile) -> Iterator[tuple[tuple[str, str], list[str]]]:
    yield from file.texts.items()
    yield from file.remarks.items()


RULES = (
    Rule("S02", _holds_tables_only),
    Rule("V05", _is_as_declared),
    Rule("V01", _texts_are_registered),
    Rule("V01", _catalogue_is_the_seed),
    Rule("V01", _sentences_are_their_figures),
    Rule("V02", _nobody_is_named),
    Rule("V03", _nothing_looks_like_somebody),
    Rule("V03", _no_number_is_somebody),
)
