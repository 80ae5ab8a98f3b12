"""Initiatives of the invented organisation: the outcomes they were to have, and those they had."""

from collections.abc import Iterator
from typing import Any

import numpy as np

DAY = 24 * 3600


def initiatives(
    planted: dict[str, Any], begin: int, end: int, number: int, rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """Those that a value stream delivers between two moments, in random order.

    As many of each kind as planted, rounded: chance decides which and when, not how many. Moments
    are seconds; `number` counts the initiatives that were told before.
    """
    count = planted["per_quarter"]
    without = round(count * planted["without_outcome"])
    linked = round(count * planted["linked"])
    measured = [
        effect for effect, share in planted["effects"].items() for _ in range(round(8 * share))
    ]
    order = rng.permutation(count).tolist()
    linked_ones = set(rng.permutation(count)[:linked].tolist())
    for place, kind in enumerate(order):
        delivered = begin + int((place + rng.random()) / count * (end - begin))
        effect = measured[kind % len(measured)] if kind >= without else None
        anticipated = 1 + int(rng.random() * 8)
        actual = {"reached": anticipated + 1, "missed": anticipated - 0.5}.get(effect or "")
        yield {
            "initiative_id": f"INI-{number + place + 1}",
            "key_result": f"KR-{1 + place % 3}" if place in linked_ones else "",
            "anticipated_effect": anticipated if effect else "",
            "actual_effect": "" if actual is None else actual,
            "created": delivered - int((20 + 60 * rng.random()) * DAY),
            "delivered": delivered,
            "title": "An initiative",
            "body": "Expected outcome: fewer failed orders" if effect else "",
        }
