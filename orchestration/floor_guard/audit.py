"""Rule O16: nothing that rests on too few people can be computed from what is offered.

Every published row tells its sample size, so a reader holds a system of equations: each open cell
is the sum of its smallest pieces (a system, owner and value stream in a week). The audit holds that
system against the people of each piece. Two things must not be: that some combination of open cells
rests on too few people alone, be it one person, a parent less its children, or two nested cells;
and that what an open cell leaves untold is so few events that each hidden part is as good as told.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import duckdb
import numpy as np

from orchestration.floor_guard.calendar import WEEK, bucket_end, bucket_start
from orchestration.floor_guard.constants import (
    ACTIVITY,
    BUCKETS,
    MINIMUM_PEOPLE,
    PORTFOLIO_KEY,
    STOCK_POPULATIONS,
    UNASSIGNED_KEY,
)
from orchestration.floor_guard.rules import refusal

Cell = tuple[str, str, str, date]
People = frozenset[str]
Matrix = np.ndarray[tuple[int, int], np.dtype[np.float64]]

# A combination of whole numbers is one, but for rounding.
TOLERANCE = 1e-6
# Of two sets that are isolated together, one has at least half of the leverage that this takes.
HALF = 0.5

PIECES = f"""
select
    population,
    author_kind,
    role,
    coalesce(system_key, '{UNASSIGNED_KEY}'),
    coalesce(team_key, '{UNASSIGNED_KEY}'),
    coalesce(value_stream_key, '{UNASSIGNED_KEY}'),
    cast(date_trunc('week', counted_at) as date) as week,
    coalesce(list(distinct person_key) filter (where person_key is not null), []),
    count(distinct change_key)
from vault.{ACTIVITY}
group by all
"""


@dataclass(frozen=True)
class Piece:
    """The smallest sum that cells are made of, and who is in it."""

    cells: tuple[Cell, ...]
    people: People
    events: int


@dataclass(frozen=True)
class Block:
    """What can be combined: pieces and open cells of one population, kind and quarter.

    Pieces that lie in the same open cells cannot be told apart, so they are one column.
    """

    matrix: Matrix
    people: tuple[People, ...]
    events: tuple[int, ...]
    # k of this installation.
    minimum: int

    @cached_property
    def row_space(self) -> Matrix:
        """Orthonormal rows that span everything that can be computed from the open cells."""
        _, sizes, basis = np.linalg.svd(self.matrix, full_matrices=False)
        space: Matrix = basis[sizes > TOLERANCE]
        return space

    @cached_property
    def leverage(self) -> list[float]:
        """How much of each column the open cells tell: 1 where they tell it alone."""
        return [float(share) for share in (self.row_space**2).sum(axis=0)]

    @cached_property
    def small_columns(self) -> list[tuple[People, int]]:
        """Columns in which fewer than k people are."""
        return [
            (inside, column)
            for column, inside in enumerate(self.people)
            if len(inside) < self.minimum
        ]

    @cached_property
    def remainders(self) -> list[tuple[People, int]]:
        """People and events that are left of an open cell when another within it is taken away.

        Where open cells cover what is left, nothing of it is hidden.
        """
        masks = self.matrix.astype(bool)
        events = np.array(self.events)
        found = []
        for outer in masks:
            inside = masks[~(masks & ~outer).any(axis=1)]
            for rest in outer & ~inside:
                covered = inside[~(inside & ~rest).any(axis=1)].any(axis=0)
                if (rest & ~covered).any():
                    people = frozenset[str]().union(*(self.people[c] for c in np.flatnonzero(rest)))
                    found.append((people, int(events[rest].sum())))
        return found

    def columns_of(self, people: People) -> list[int]:
        """Columns in which nobody else is."""
        return [column for inside, column in self.small_columns if inside <= people]

    def leverage_of(self, people: People) -> float:
        """Sum over the columns in which nobody else is."""
        return sum(self.leverage[column] for column in self.columns_of(people))


def audit(connection: duckdb.DuckDBPyConnection, minimum: int = MINIMUM_PEOPLE) -> None:
    """Refuse (O16) where a combination of open cells tells of fewer than `minimum` people.

    Reads the canonical activity, and from the temporary table `open_cells` which cells of which
    population are offered.
    """
    derivable = narrow = 0
    for block in blocks(connection, minimum):
        few = small_sets(block)
        derivable += sum(is_isolated(block, people) for people in (*few, *_pairs(block, few)))
        # What is hidden could be anything between nothing and what is left.
        narrow += sum(events < minimum for _, events in block.remainders)
    for count, why in (
        (derivable, "sums of too few people can be computed from what is offered"),
        (narrow, "open cells leave so few events untold that what is hidden is bounded closely"),
    ):
        if count:
            raise refusal(
                "O16",
                "candidates",
                "*",
                count,
                why,
                "Let the floor withhold what they are computed from",
            )


def blocks(connection: duckdb.DuckDBPyConnection, minimum: int = MINIMUM_PEOPLE) -> Iterator[Block]:
    """Cut what is offered into parts that share no cell: no bucket is longer than a quarter."""
    open_cells: dict[tuple[str, str, str], set[Cell]] = defaultdict(set)
    for population, kind, role, *cell in connection.execute(
        """
        select distinct population, author_kind, role, grain, grain_key, bucket, bucket_start
        from open_cells
        """
    ).fetchall():
        open_cells[population, kind, role].add((cell[0], cell[1], cell[2], cell[3]))
    pieces: dict[tuple[str, str, str, date], list[Piece]] = defaultdict(list)
    for population, kind, role, *place, week, people, events in connection.execute(
        PIECES
    ).fetchall():
        if (population, kind, role) not in open_cells:
            continue
        is_stock = population in STOCK_POPULATIONS
        cells = tuple(_cells(place, week, is_stock))
        quarter = bucket_start(week, "quarter")
        pieces[population, kind, role, quarter].append(Piece(cells, frozenset(people), events))
    for (population, kind, role, _), part in sorted(pieces.items()):
        block = _block(part, open_cells[population, kind, role], minimum)
        if block is not None:
            yield block


def _cells(place: list[str], week: date, is_stock: bool) -> Iterator[Cell]:
    """Cells that a piece lies in; open work only in buckets that end with its week."""
    system, team, stream = place
    for bucket in BUCKETS:
        if is_stock and week + WEEK != bucket_end(week, bucket):
            continue
        start = bucket_start(week, bucket)
        yield ("system", system, bucket, start)
        yield ("team", team, bucket, start)
        yield ("value_stream", stream, bucket, start)
        yield ("portfolio", PORTFOLIO_KEY, bucket, start)


def _block(pieces: Iterable[Piece], open_cells: set[Cell], minimum: int) -> Block | None:
    columns: dict[tuple[Cell, ...], tuple[set[str], list[int]]] = {}
    for piece in pieces:
        within = tuple(cell for cell in piece.cells if cell in open_cells)
        people, events = columns.setdefault(within, (set(), []))
        people |= piece.people
        events.append(piece.events)
    # What lies in no open cell is in no equation.
    columns.pop((), None)
    if not columns:
        return None
    rows = {cell: row for row, cell in enumerate(sorted({c for within in columns for c in within}))}
    matrix = np.zeros((len(rows), len(columns)))
    for column, within in enumerate(columns):
        for cell in within:
            matrix[rows[cell], column] = 1
    return Block(
        np.unique(matrix, axis=0),
        tuple(frozenset(people) for people, _ in columns.values()),
        tuple(sum(events) for _, events in columns.values()),
        minimum,
    )


def small_sets(block: Block) -> list[People]:
    """Sets of too few people that could be isolated: of a column, or of what a cell leaves."""
    found = {people for people in block.people if len(people) < block.minimum}
    found |= {people for people, _ in block.remainders if len(people) < block.minimum}
    return sorted(found, key=sorted)


def _pairs(block: Block, few: list[People]) -> Iterator[People]:
    """Unions of two such sets that are as small, where one is half isolated already."""
    known = set(few)
    half = [people for people in few if block.leverage_of(people) >= HALF - TOLERANCE]
    for one in half:
        for other in few:
            union = one | other
            if len(union) < block.minimum and union not in known:
                known.add(union)
                yield union


def is_isolated(block: Block, people: People) -> bool:
    """Say whether a combination of open cells rests on these people alone.

    It does where a vector of the row space has no part outside their columns: where the projection
    onto the row space, cut to their columns, leaves some vector as it is.
    """
    # The sum of squares bounds the norm, and is at hand.
    if block.leverage_of(people) < 1 - TOLERANCE:
        return False
    cut = block.row_space[:, block.columns_of(people)]
    return bool(np.linalg.norm(cut, ord=2) > 1 - TOLERANCE)
