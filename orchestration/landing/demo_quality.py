"""What the demo's scanners, pipelines and platform tell of its systems, beside their changes.

All of it is drawn from numbers of its own, so that the changes stay as they are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

DAY = 86400


@dataclass(frozen=True)
class Systems:
    """The systems of the demo, by key: the first team of each and its value stream."""

    teams: Mapping[str, str]
    streams: Mapping[str, str]


class QualityTelling:
    """Writes what no change tells."""

    def __init__(
        self,
        add: Callable[..., None],
        planted: Mapping[str, Any],
        systems: Systems,
        span: tuple[int, int],
        rng: np.random.Generator,
    ) -> None:
        """`planted` is `quality` of demo.yml; `span` the first second of the demo and its end."""
        self._add = add
        self._planted = planted
        self._systems = systems
        self._begin, self._end = span
        self._rng = rng

    def tell(self, scale: float) -> None:
        """Write everything; `scale` is that of the changes."""
        for system in self._systems.teams:
            self._findings(system, scale)

    def _moments(self, per_quarter: float, lead_days: int) -> list[int]:
        """Moments spread at random over the demo and the days before it."""
        begin = self._begin - lead_days * DAY
        expected = per_quarter * (self._end - begin) / (91 * DAY)
        count = int(self._rng.poisson(expected))
        return sorted(self._rng.integers(begin, self._end, count).tolist())

    def _about(self, median: float, spread: float) -> float:
        """Draw a duration whose median is given: as long as not, and now and then very long."""
        return float(median * np.exp(self._rng.normal(0, spread)))

    def _findings(self, system: str, scale: float) -> None:
        """Weaknesses, from long before the demo on, so that as many go as come."""
        planted = self._planted["findings"]
        severities = planted["severities"]
        is_slow = self._systems.teams[system] == planted["slow_team"]["team"]
        factor = planted["slow_team"]["factor"] if is_slow else 1
        opened = self._moments(planted["per_quarter"] * scale, planted["lead_days"])
        for number, moment in enumerate(opened, start=1):
            severity = str(self._rng.choice(list(severities), p=list(severities.values())))
            days = self._about(planted["median_days"][severity] * factor, planted["spread"])
            fate = self._rng.random()
            resolution = "fixed"
            for other, share in planted["dismissed"].items():
                if 0 <= fate < share:
                    resolution = other
                fate -= share
            resolved = moment + int((days if resolution == "fixed" else 1) * DAY)
            is_resolved = resolved < self._end
            self._add(
                "vulnerability_findings",
                finding_id=f"{system}-f{number}",
                system=system,
                severity=severity,
                opened_at=_text(moment),
                resolved_at=_text(resolved) if is_resolved else "",
                resolution=resolution if is_resolved else "",
                updated_at=_text(resolved if is_resolved else moment),
            )


def _text(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"
