"""The surveys of the demo: what the invented people say of their work, one wave a quarter."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

Add = Callable[..., None]
Present = Callable[[str, int, int], list[Any]]


class Surveys:
    """Asks everybody once a quarter; numbers of its own, so that nothing else changes."""

    def __init__(self, parameters: dict[str, Any], seed: int) -> None:
        """Take what demo.yml says, and a stream of random numbers."""
        self._parameters = parameters
        self._told = parameters["surveys"]
        self._rng = np.random.default_rng([seed, 3])
        # How somebody sees the world: the same in every wave.
        self._moods: dict[str, float] = {}

    def tell(self, number: int, start: datetime, present: Present, add: Add) -> None:
        """Write the wave of a quarter, given its number and first Monday."""
        opens = start + timedelta(days=self._told["opens_after_days"])
        closes = opens + timedelta(days=self._told["open_days"])
        # A quarter of 13 weeks is of the year in which most of it lies.
        wave = f"{start + timedelta(days=45):%Y}-q{(number - 1) % 4 + 1}"
        add("survey_waves", wave_id=wave, opened_at=_text(opens), closed_at=_text(closes))
        moments = int(opens.timestamp()), int(closes.timestamp())
        for team, described in self._parameters["teams"].items():
            people = present(team, *moments)
            add("survey_invitations", wave_id=wave, team=team, invited_count=len(people))
            small = described["size"] < self._told["all_answer_below"]
            for person in people:
                if small or self._rng.random() < self._told["answer_share"]:
                    self._answer(wave, team, person.login, add)

    def _answer(self, wave: str, team: str, login: str, add: Add) -> None:
        mood = self._moods.setdefault(login, self._rng.normal(0, self._told["mood"]))
        level = self._level(team) + mood
        row = {"wave_id": wave, "respondent": login, "team": team}
        felt = 0.0
        for driver, (offset, weight) in self._told["drivers"].items():
            score = self._score(level + offset)
            felt += weight * (score - self._told["level"] - offset)
            add("survey_responses", **row, item=driver, score=score)
        overall = self._told["level"] + felt + self._rng.normal(0, self._told["noise"] / 2)
        add("survey_responses", **row, item="overall", score=_clipped(overall))
        for item, median in self._told["hours"].items():
            factor = self._told["low_hours"] if team in self._low else 1.0
            hours = median * factor * float(np.exp(self._rng.normal(0, 0.5)))
            add("survey_responses", **row, item=item, hours=f"{min(hours, 40.0):.1f}")

    @property
    def _low(self) -> dict[str, float]:
        low: dict[str, float] = self._parameters["planted"]["low_experience"]
        return low

    def _level(self, team: str) -> float:
        return float(self._told["low_level" if team in self._low else "level"])

    def _score(self, level: float) -> int:
        return _clipped(level + self._rng.normal(0, self._told["noise"]))


def _clipped(score: float) -> int:
    return int(min(max(round(score), 1), 5))


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
