"""The incident reports of mybinder.org against its own history.

Each merge to the default branch is a production deployment there (docs/source/deployment/how.md of
that repository), so what was merged lands again as deployments, beside the reports. When an
incident began and ended was read off the headings of its report by hand; they know minutes.
"""

import csv
import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import duckdb
import pytest
from outside import build
from test_git_stats import find

from orchestration.home import PROJECT, Home
from orchestration.landing.git import land_git

NAME = "jupyterhub/mybinder.org-deploy"
REPORTS = PROJECT.parent / "shared/data/incidents/mybinder_incident_reports.json"
DAY = timedelta(hours=24)
NUMBER = re.compile(r"^Merge pull request #(\d+) |\(#(\d+)\)$")

# When users began to notice, when service was back, and the change that a report blames with its
# words. What else is linked repaired or followed.
with (PROJECT / "examples/public_data/mybinder_incidents.csv").open(encoding="utf-8") as file:
    INCIDENTS = {row["incident_id"]: row for row in csv.DictReader(file)}
BLAMED = {
    key: (int(row["blamed_change"]), row["words"])
    for key, row in INCIDENTS.items()
    if row["blamed_change"]
}
# Merged to the branch that fed staging then, and brought to production by the merge of it, 260.
STAGED = {254, 255, 256}
(ON_STAGING,) = [key for key, row in INCIDENTS.items() if row["environment"] == "staging"]

pytestmark = pytest.mark.skipif(
    not REPORTS.exists(), reason="the incident reports are not part of the repository"
)


class Merge(NamedTuple):
    """A merge as git tells it, and the change that its subject names."""

    sha: str
    merged_at: datetime
    change: int | None


class Told(NamedTuple):
    """What the vault says of an incident."""

    merge: Merge | None
    method: str | None


class Oracle:
    """The reports, git's own words, and the vault that was built of both."""

    def __init__(self, clone: Path, folder: Path) -> None:
        """Land the clone, then its merges as deployments and the reports as incidents."""
        self.clone = clone
        self.reports: list[dict[str, Any]] = json.loads(REPORTS.read_text())
        # The main line first: of a number that merged twice it is the one that reached production.
        self.mainline = self._merges("--first-parent")
        self.merges = {m.change: m for m in [*self._merges(), *self.mainline] if m.change}
        home = Home(folder / "home")
        land_git(home, [clone], name=NAME)
        with duckdb.connect(str(home.vault), read_only=True) as landed:
            deployed = landed.execute(
                "select merge_commit, merged_at from raw_git.changes order by merged_at"
            ).fetchall()
        events = {
            "deployments": (
                "deployment_id,repository,environment,result,commit_sha,finished_at",
                *(f"{sha},{NAME},production,success,{sha},{at:%FT%TZ}" for sha, at in deployed),
            ),
            "incidents": (
                "incident_id,repository,environment,opened_at,resolved_at,commit_sha",
                *(self._incident(report["incident_id"]) for report in self.reports),
            ),
            "extract": ("loaded_to", f"{deployed[-1][1]:%FT%TZ}"),
        }
        self.vault = build(folder, events, [NAME])

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "--git-dir", str(self.clone), *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def _merges(self, *arguments: str) -> list[Merge]:
        log = self._git("log", "--merges", "--reverse", "--format=%H %ct %s", *arguments, "HEAD")
        merges = []
        for line in log.splitlines():
            sha, committed, subject = line.split(" ", 2)
            named = NUMBER.search(subject)
            change = int(named[1] or named[2]) if named else None
            merges.append(Merge(sha, datetime.fromtimestamp(int(committed), UTC), change))
        return merges

    def _incident(self, incident: str) -> str:
        environment = INCIDENTS[incident]["environment"]
        blamed = self.merges[BLAMED[incident][0]].sha if incident in BLAMED else ""
        opened_at, resolved_at = self.times(incident)
        return f"{incident},{NAME},{environment},{opened_at:%FT%TZ},{resolved_at:%FT%TZ},{blamed}"

    def times(self, incident: str) -> tuple[datetime, datetime]:
        """When an incident began and ended."""
        zone = ZoneInfo(INCIDENTS[incident]["time_zone"])
        opened, resolved = (
            datetime.fromisoformat(clock).replace(tzinfo=zone).astimezone(UTC)
            for clock in self.clocks(incident)
        )
        return opened, resolved

    def clocks(self, incident: str) -> tuple[str, str]:
        """The same as its report writes it: on the wall, in summer too where it says PST."""
        return INCIDENTS[incident]["opened_at"], INCIDENTS[incident]["resolved_at"]

    def text(self, incident: str) -> str:
        """The report itself, as it stands in the clone."""
        return self._git("show", f"HEAD:docs/source/incident-reports/{incident}.md")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the vault."""
        return self.vault.execute(sql).fetchall()

    def told(self) -> dict[str, Told]:
        """Every incident in production with its deployment, if any."""
        of_sha = {merge.sha: merge for merge in self.mainline}
        rows = self.rows(
            "select incident_id, split_part(deployment_key, '|', 2), link_method "
            "from int_incidents left join int_incident_links using (incident_id)"
        )
        return {i: Told(of_sha[sha] if sha else None, method) for i, sha, method in rows}

    def latest(self, incident: str) -> tuple[Merge, timedelta]:
        """By git alone: the last change merged before an incident, and how long before."""
        opened_at, _ = self.times(incident)
        before = [m for m in self.mainline if m.change and m.merged_at <= opened_at]
        last = max(before, key=lambda merge: merge.merged_at)
        return last, opened_at - last.merged_at


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    """Landed and built once for all comparisons; skipped without the clone."""
    found = Oracle(find(NAME), tmp_path_factory.mktemp("mybinder"))
    with found.vault:
        yield found


def test_times_and_blame_stand_in_the_reports(oracle: Oracle) -> None:
    """What was read by hand is there to be read."""
    assert {report["incident_id"] for report in oracle.reports} == set(INCIDENTS)
    for report in oracle.reports:
        headings = " ".join(report["timeline_headings"])
        for clock in oracle.clocks(report["incident_id"]):
            assert clock.split(" ")[1].removeprefix("0") in headings, report["incident_id"]
    for incident, (_, words) in BLAMED.items():
        assert words in oracle.text(incident)


def test_linked_changes_are_found_with_their_merge_times(oracle: Oracle) -> None:
    """17 merged: 14 are changes, to the second; 3 merged to staging and are commits of 260."""
    linked = [pull for report in oracle.reports for pull in report["linked_pull_requests"]]
    merged = {
        pull["pr_number"]: (pull["merge_sha"], pull["merged_at"])
        for pull in linked
        if pull["merged_at"]
    }
    assert (len(linked), len(merged)) == (19, 17)
    found = {
        int(change): (sha, f"{merged_at:%FT%TZ}", f"{deployed_at:%FT%TZ}")
        for change, sha, merged_at, deployed_at in oracle.rows(
            "select change_id, split_part(merge_commit_key, '@', 2), lives.merged_at, deployed_at "
            "from int_change_lives as lives "
            "join stg_canonical__changes using (change_key)"
        )
    }
    for number in set(merged) - STAGED:
        sha, merged_at = merged[number]
        assert found[number] == (sha, merged_at, merged_at)
    # 90 and 527 never merged.
    assert not ({pull["pr_number"] for pull in linked} - (set(merged) - STAGED)) & set(found)
    aside = {
        sha: (f"{committed_at:%FT%TZ}", is_mainline, change)
        for sha, committed_at, is_mainline, change in oracle.rows(
            "select commit_sha, committed_at, is_mainline, change_key "
            "from stg_canonical__commits join stg_canonical__change_commits using (commit_key)"
        )
    }
    for number in STAGED:
        sha, merged_at = merged[number]
        assert aside[sha] == (merged_at, False, f"{NAME}!260")


def test_each_merge_is_one_deployment(oracle: Oracle) -> None:
    """Every change of the main line, deployed with its merge; other merges are none."""
    assert oracle.rows("select count(*) from int_deployments") == [
        (sum(1 for merge in oracle.mainline if merge.change),)
    ]
    assert oracle.rows(
        "select count(*) from int_change_lives "
        "where deployed_at is null or deployed_at != merged_at"
    ) == [(0,)]


def test_what_a_report_blames_is_linked_whatever_the_clock_says(oracle: Oracle) -> None:
    """Two of three are not the last merge before: one came later, one was put on top."""
    told = oracle.told()
    for incident in set(BLAMED) - {ON_STAGING}:
        change, _ = BLAMED[incident]
        assert told[incident] == (oracle.merges[change], "explicit"), incident
    assert oracle.latest("2018-04-18-cull-flood")[0].change == 561
    assert oracle.latest("2019-03-24-r2d-upgrade")[0].change != 912


def test_what_no_report_blames_is_linked_within_a_day_or_not_at_all(oracle: Oracle) -> None:
    """Against git alone: 7 of 19 by the window, of which one report says that it was deployed."""
    told = oracle.told()
    others = set(INCIDENTS) - set(BLAMED)
    assert set(told) == set(INCIDENTS) - {ON_STAGING}
    methods = {}
    for incident in others:
        last, ago = oracle.latest(incident)
        methods[incident] = (
            "window" if ago <= DAY else "window_doubled" if ago <= 2 * DAY else "nearest"
        )
        assert told[incident] == (last, methods[incident]), incident
    assert Counter(methods.values()) == {"window": 7, "window_doubled": 1, "nearest": 11}
    blamed = {oracle.merges[BLAMED[i][0]].sha for i in set(BLAMED) - {ON_STAGING}}
    within = {oracle.latest(i)[0].sha for i in others if methods[i] == "window"}
    failed = oracle.rows(
        "select split_part(deployment_key, '|', 2) from int_deployment_outcomes where is_failed"
    )
    assert {sha for (sha,) in failed} == blamed | within
    assert len(failed) == 10


def test_a_failed_staging_deployment_and_its_revert_fail_nothing(oracle: Oracle) -> None:
    """254 failed on staging and 255 reverted it there; production had no trouble in those days."""
    assert oracle.rows(f"select * from int_incidents where incident_id = '{ON_STAGING}'") == []
    assert oracle.rows(
        "select count(*), count(*) filter (is_failed) from int_deployment_outcomes "
        "where finished_at between '2018-01-04 00:00:00' and '2018-01-05 12:00:00'"
    ) == [(3, 0)]


def test_chains_by_hand(oracle: Oracle) -> None:
    """Merge, deployment, incident and repair of four reports, read in the reports and in git."""
    chains = oracle.rows(
        "select incident_id, change_id, finished_at::varchar, "
        "int_incidents.opened_at::varchar, restored_at::varchar, link_method "
        "from int_incident_links join int_incidents using (incident_id) "
        "join int_deployment_outcomes using (deployment_key) "
        "join stg_canonical__changes "
        "on split_part(merge_commit_key, '@', 2) = split_part(deployment_key, '|', 2) "
        "where incident_id in ('2018-02-20-jupyterlab-announcement', '2018-04-18-cull-flood', "
        "'2019-03-24-r2d-upgrade', '2022-01-27-prime-version') order by incident_id"
    )
    assert [row[1:] for row in chains] == [
        # 15:10 in the report raises the limit; 16:05 "Launch success rate is at 0%".
        ("428", "2018-02-20 14:10:10", "2018-02-20 15:05:00", "2018-02-22 06:18:00", "explicit"),
        # The charts are bumped by 560; 561 only forces the deployment that ends at 12:35.
        ("560", "2018-04-18 09:47:27", "2018-04-18 11:30:00", "2018-04-19 09:58:00", "explicit"),
        # 8:54 "Start of incident. New version of repo2docker is deployed": eight seconds after it.
        ("912", "2019-03-24 07:54:08", "2019-03-24 07:54:00", "2019-03-25 06:01:00", "explicit"),
        # 11:00 "A routine bump of binderhub and repo2docker": nobody names it, the window finds it.
        ("2111", "2022-01-27 09:57:58", "2022-01-27 10:00:00", "2022-01-27 17:00:00", "window"),
    ]
    # 18:03 "revert per-repo limit back to 300 pods".
    assert oracle.rows(
        "select reverts_change_id, merged_at::varchar "
        f"from stg_canonical__changes where change_key = '{NAME}!432'"
    ) == [("428", "2018-02-20 17:04:30")]
    # 15:36, 11:00, 11:07, 11:47, 11:58 in the report: each repair a deployment of its own.
    assert oracle.rows(
        "select change_id, left(deployed_at::varchar, 16) from int_change_lives "
        "join stg_canonical__changes using (change_key) "
        "where change_id in ('562', '567', '568', '569', '570') order by 2"
    ) == [
        ("562", "2018-04-18 13:36"),
        ("567", "2018-04-19 08:51"),
        ("568", "2018-04-19 09:07"),
        ("569", "2018-04-19 09:46"),
        ("570", "2018-04-19 09:58"),
    ]
