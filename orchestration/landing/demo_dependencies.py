"""What the demo's work waits for in other teams: links between tracker items, and their reviews."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

# How many of the items that are resolved next are looked through for one that blocks.
NEXT_ITEMS = 60


@dataclass(frozen=True)
class Item:
    """A tracker item: whose it is, and from when to when it is open; moments in seconds."""

    key: str
    team: str
    created: int
    resolved: int


@dataclass(frozen=True)
class Stall:
    """A stretch in which a change waits to be merged; moments in seconds."""

    item: str
    team: str
    begin: int
    end: int


@dataclass(frozen=True)
class Link:
    """An item that another one blocks, from when to when."""

    blocked: Stall
    blocking: Item


def links(
    items: Sequence[Item], stalls: Sequence[Stall], share: float, rng: np.random.Generator
) -> Iterator[Link]:
    """Put an item of another team, open all the while, before a share of the stalled ones."""
    ordered = sorted(items, key=lambda item: (item.resolved, item.key))
    resolved = [item.resolved for item in ordered]
    for stall in stalls:
        draw, choice = rng.random(2)
        if draw >= share:
            continue
        first = bisect_right(resolved, stall.end)
        open_elsewhere = [
            item
            for item in ordered[first : first + NEXT_ITEMS]
            if item.team != stall.team and item.created <= stall.begin
        ]
        if open_elsewhere:
            yield Link(stall, open_elsewhere[int(choice * len(open_elsewhere))])
