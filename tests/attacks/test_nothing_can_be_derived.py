"""O16, rank test: no sum or difference of published figures tells of fewer than k people."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

import duckdb
import numpy as np
import pytest
from conftest import Lab

from orchestration.floor_guard.constants import MINIMUM_PEOPLE

Cell = tuple[str, str, str, date]
Atom = tuple[str, str, str, date]
# What a population counts of each change once: every published row tells its sample size.
ROWS = """
select distinct
    series.population, series.author_kind, observed.grain, observed.grain_key, observed.bucket,
    observed.bucket_start
from published.marts.metric_observations as observed
inner join flowgrain_seeds.metric_series as series
    using (metric_key, slice, slice_value, statistic, clock)
inner join flowgrain_seeds.metrics as metrics using (metric_key)
-- A bus factor tells how many files it is of, and no number of changes.
where observed.status = 'ok' and series.population is not null and metrics.class != 'K'
"""
# The smallest pieces of which every cell is a sum, with who is in them.
PIECES = """
select
    system_key, team_key, value_stream_key, cast(date_trunc('week', counted_at) as date), role,
    person_key
from flowgrain_vault.int_activity
where population = ? and author_kind = ?
group by all
"""


@pytest.fixture(scope="module")
def both(lab: Lab) -> Iterator[duckdb.DuckDBPyConnection]:
    """The vault with the release beside it, as no reader has them."""
    with lab.vault() as connection:
        connection.execute(f"attach '{lab.home.published}' as published (read_only)")
        yield connection


def cells_of(atom: Atom, weeks: dict[date, list[tuple[str, date, bool]]], stock: bool) -> set[Cell]:
    """Cells that hold a piece: each group above it, each bucket around its week."""
    system, team, stream, week = atom
    return {
        (grain, key, bucket, start)
        for bucket, start, is_last in weeks.get(week, [])
        if is_last or not stock
        for grain, key in (
            ("system", system), ("team", team), ("value_stream", stream), ("portfolio", "all")
        )
    }  # fmt: skip


def test_no_combination_of_published_cells_is_a_hidden_one(
    both: duckdb.DuckDBPyConnection,
) -> None:
    """A withheld cell in the row space of the published ones is known; then it must be large."""
    published: dict[tuple[str, str], set[Cell]] = defaultdict(set)
    for population, author_kind, *cell in both.execute(ROWS).fetchall():
        published[population, author_kind].add(tuple(cell))
    weeks: dict[date, list[tuple[str, date, bool]]] = defaultdict(list)
    for week, bucket, start, is_last in both.execute(
        "select week_start, bucket, bucket_start, week_end = bucket_end "
        "from flowgrain_vault.int_weeks"
    ).fetchall():
        weeks[week].append((bucket, start, is_last))
    assert len(published) > 10
    small = [
        (population, author_kind, cell, people)
        for (population, author_kind), open_cells in sorted(published.items())
        for cell, people in derivable(both, population, author_kind, open_cells, weeks)
        if people < MINIMUM_PEOPLE
    ]
    assert small == []


def derivable(
    both: duckdb.DuckDBPyConnection,
    population: str,
    author_kind: str,
    open_cells: set[Cell],
    weeks: dict[date, list[tuple[str, date, bool]]],
) -> Iterator[tuple[Cell, int]]:
    """Hidden cells that published ones add up to, with the people of their thinnest role."""
    people: dict[Atom, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for *atom, role, person in both.execute(PIECES, [population, author_kind]).fetchall():
        people[tuple(atom)][role].add(person)  # type: ignore[index]
    inside: dict[Cell, list[int]] = defaultdict(list)
    atoms = list(people)
    for number, atom in enumerate(atoms):
        for cell in cells_of(atom, weeks, population == "in_progress"):
            inside[cell].append(number)
    rows = np.zeros((len(open_cells), len(atoms)))
    for row, cell in enumerate(sorted(open_cells)):
        rows[row, inside[cell]] = 1
    _, sizes, basis = np.linalg.svd(rows, full_matrices=False)
    basis = basis[sizes > 1e-8]
    for cell, numbers in inside.items():
        wanted = np.zeros(len(atoms))
        wanted[numbers] = 1
        if cell in open_cells or np.linalg.norm(wanted - basis.T @ (basis @ wanted)) > 1e-6:
            continue
        roles = {role for number in numbers for role in people[atoms[number]]}
        yield (
            cell,
            min(
                len(set().union(*(people[atoms[number]][role] for number in numbers)))
                for role in roles
            ),
        )
