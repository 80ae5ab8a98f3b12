"""What the demo's scanners, pipelines and platform tell of its systems, beside their changes.

All of it is drawn from numbers of its own, so that the changes stay as they are.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

DAY = 86400
HOUR = 3600


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
        ci: Mapping[str, Any],
        systems: Systems,
        span: tuple[int, int],
        rng: np.random.Generator,
    ) -> None:
        """`planted` is `quality` of demo.yml, `ci` its `ci`; `span` the demo's begin and end."""
        self._add = add
        self._planted = planted
        self._ci = ci
        self._systems = systems
        self._begin, self._end = span
        self._rng = rng

    def tell(self, scale: float, merges: Mapping[str, Sequence[tuple[int, str, object]]]) -> None:
        """Write everything.

        `scale` is that of the changes; `merges` what came to each repository's main line, and when.
        """
        for system in self._systems.teams:
            self._findings(system, scale)
            self._coverage(system)
            self._environments(system)
        for repository, came in sorted(merges.items()):
            self._mainline(repository, came)

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

    def _coverage(self, system: str) -> None:
        """A report a week, on a straight line with noise."""
        planted = self._planted["coverage"]
        total = int(self._rng.integers(*planted["lines"]))
        share = float(self._rng.uniform(*planted["share"]))
        per_week = planted["moving_teams"].get(self._systems.teams[system], 0) / 100 / 13
        for week, moment in enumerate(range(self._begin, self._end, 7 * DAY)):
            now = min(max(share + week * per_week + self._rng.normal(0, planted["noise"]), 0), 1)
            self._add(
                "coverage_reports",
                report_id=f"{system}-c{week}",
                system=system,
                covered_lines=round(now * total),
                total_lines=total,
                measured_at=_text(moment + int(self._rng.uniform(0, 4) * DAY)),
            )

    def _environments(self, system: str) -> None:
        """Requests, of which the youngest still wait."""
        planted = self._planted["environments"]
        is_slow = self._systems.streams[system] == planted["slow_stream"]["stream"]
        hours = planted["median_hours"] * (planted["slow_stream"]["factor"] if is_slow else 1)
        for number, moment in enumerate(self._moments(planted["per_quarter"], 60), start=1):
            usable = moment + int(self._about(hours, planted["spread"]) * HOUR)
            is_usable = usable < self._end
            self._add(
                "environment_requests",
                request_id=f"{system}-e{number}",
                system=system,
                requested_at=_text(moment),
                usable_at=_text(usable) if is_usable else "",
                updated_at=_text(usable if is_usable else moment),
            )

    def _mainline(self, repository: str, merges: Sequence[tuple[int, str, object]]) -> None:
        """Runs on what a merge made: the pipeline, and the checks that the repository has."""
        planted = self._planted["mainline"]
        is_red = repository == planted["red"]["repository"]
        fail_share = planted["red"]["fail_share"] if is_red else planted["fail_share"]
        workflows = {"main": fail_share} | {
            name: 0.0
            for name, check in self._planted["checks"].items()
            if repository in check["repositories"]
        }
        for moment, sha, _ in sorted(merges, key=lambda merge: merge[:2]):
            for workflow, failing in workflows.items():
                queue, work = (int(60 * self._rng.uniform(*self._ci[k])) for k in ("queue", "run"))
                failed = self._rng.random() < failing
                if moment + queue + work < self._end:
                    self._add(
                        "ci_runs",
                        repository=repository,
                        run_id=f"{sha[:12]}-{workflow}",
                        workflow=workflow,
                        commit_sha=sha,
                        attempt=1,
                        result="failure" if failed else "success",
                        queued_at=_text(moment),
                        started_at=_text(moment + queue),
                        is_mainline="true",
                        finished_at=_text(moment + queue + work),
                        updated_at=_text(moment + queue + work),
                    )


def _text(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"
