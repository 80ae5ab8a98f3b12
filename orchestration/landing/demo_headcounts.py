"""How many people the demo's teams have, and how many leave: as an office would count."""

from collections.abc import Callable
from typing import Any

import numpy as np

Add = Callable[..., None]


def tell_headcounts(parameters: dict[str, Any], seed: int, add: Add) -> None:
    """Write a row per quarter and team; numbers of its own, so that nothing else changes.

    Teams of low experience lose more of their people. Most of a team's people write no code, so
    they are more than those who commit.
    """
    rng = np.random.default_rng([seed, 9])
    told, low = parameters["headcounts"], parameters["planted"]["low_experience"]
    year, first = parameters["calendar"]["first_quarter"]
    for number in range(first - 1, first - 1 + parameters["calendar"]["quarters"]):
        quarter = f"{year + number // 4}-q{number % 4 + 1}"
        for team, described in parameters["teams"].items():
            people = described["size"] * told["people_per_committer"]
            leaving = told["low_leaving"] if team in low else told["leaving"]
            add(
                "headcounts",
                quarter=quarter,
                team=team,
                people_count=f"{people + rng.integers(-2, 3) / 2:.1f}",
                leaver_count=int(rng.binomial(people, leaving / 4)),
            )
