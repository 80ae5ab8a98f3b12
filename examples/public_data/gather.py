"""Bring public data of four origins into one organisation: what the other examples wrote, and more.

Incident reports of mybinder.org with its deployments, posts of the status page of Jenkins, and the
organisation that all of them need. See README.md for the order of the commands.

    python examples/public_data/gather.py DATA OUT CLONE
"""

import argparse
import csv
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

STATUS, MYBINDER, FLASK = "jenkins-infra/status", "jupyterhub/mybinder.org-deploy", "pallets/flask"
# A value stream, a team and a system each: key, label, repository.
OTHERS = (
    ("jenkins", "Jenkins infrastructure", STATUS),
    ("mybinder", "mybinder.org", MYBINDER),
    ("flask", "Flask", FLASK),
)
# When incidents of mybinder.org began and ended and which change each report blames, read by hand.
REPORTS = Path(__file__).with_name("mybinder_incidents.csv")
POSTS = "jenkins_infra_status.parquet"
# The pull requests are loaded to here: what is younger elsewhere is not told beside them.
LOADED_TO = "2025-06-28T00:00:00Z"
Table = list[tuple[str | None, ...]]


def merges(clone: Path) -> list[tuple[str, str, str]]:
    """Hash, UTC time and subject of each merge to the main line: a deployment of mybinder.org."""
    log = ("log", "--first-parent", "--merges", "--reverse", "--format=%H %ct %s", "HEAD")
    done = subprocess.run(
        ["git", "-C", str(clone), *log], capture_output=True, text=True, check=True
    )
    told = []
    for line in done.stdout.splitlines():
        sha, committed, subject = line.split(" ", 2)
        told.append((sha, _text(datetime.fromtimestamp(int(committed), UTC)), subject))
    return told


def events(data: Path, clone: Path) -> dict[str, Table]:
    """Rows of each entity, their header first."""
    deployed = merges(clone)
    with REPORTS.open(newline="", encoding="utf-8") as file:
        reports = list(csv.DictReader(file))
    columns = "incident_id repository environment severity opened_at resolved_at commit_sha"
    incidents: Table = [tuple(columns.split())]
    for report in reports:
        zone = ZoneInfo(report["time_zone"])
        opened, resolved = (
            _text(datetime.fromisoformat(report[name]).replace(tzinfo=zone))
            for name in ("opened_at", "resolved_at")
        )
        start = f"Merge pull request #{report['blamed_change']} "
        blamed = next((sha for sha, _, subject in deployed if subject.startswith(start)), None)
        key, environment = report["incident_id"], report["environment"]
        incidents.append((key, MYBINDER, environment, None, opened, resolved, blamed))
    posts = duckdb.execute(
        f"""
        select incident_id, severity, started_at, resolved_at from '{data / POSTS}'
        where kind = 'incident' order by incident_id
        """
    ).fetchall()
    incidents += [
        (key, STATUS, "production", severity, opened, resolved, None)
        for key, severity, opened, resolved in posts
    ]
    deployments: Table = [
        ("deployment_id", "repository", "environment", "result", "commit_sha", "finished_at"),
        *((sha, MYBINDER, "production", "success", sha, at) for sha, at, _ in deployed),
    ]
    extract: Table = [("loaded_to",), (LOADED_TO,)]
    return {"incidents": incidents, "deployments": deployments, "extract": extract}


def organisation(out: Path) -> dict[str, Table]:
    """What the examples drafted, with one team and one system for all that an agent opened."""
    changes, surveys = (out / name / "organisation" for name in ("aidev_pop", "k8s_surveys"))
    tables: dict[str, Table] = {path.stem: [*_read(path)] for path in surveys.glob("*.csv")}
    stream_of = {row[0]: row[1] for row in _read(changes / "team_value_streams.csv")[1:]}
    team_of = {row[0]: row[1] for row in _read(changes / "system_owners.csv")[1:]}
    for stream, label in _read(changes / "value_streams.csv")[1:]:
        _add(tables, key=stream.removeprefix("vs_"), label=label)
    tables["system_paths"] += [
        (repository, prefix, stream_of[team_of[system]].replace("vs_", "s_"), None, None)
        for repository, prefix, system, *_ in _read(changes / "system_paths.csv")[1:]
    ]
    for key, label, repository in OTHERS:
        _add(tables, key=key, label=label)
        tables["system_paths"].append((repository, None, f"s_{key}", None, None))
    return tables


def _add(tables: dict[str, Table], *, key: str, label: str) -> None:
    tables["value_streams"].append((f"vs_{key}", label))
    tables["teams"].append((f"t_{key}", label, "default"))
    tables["team_value_streams"].append((f"t_{key}", f"vs_{key}", None, None))
    tables["systems"].append((f"s_{key}", label, "low", "false"))
    tables["system_owners"].append((f"s_{key}", f"t_{key}", None, None))


def _read(path: Path) -> list[tuple[str, ...]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [tuple(row) for row in csv.reader(file)]


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def main() -> None:
    """Write `incidents/events/` and `organisation/` below the folder OUT."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path, help=f"folder with {POSTS}")
    parser.add_argument("out", type=Path, help="folder in which the other examples wrote theirs")
    parser.add_argument("clone", type=Path, help=f"clone of {MYBINDER}")
    arguments = parser.parse_args()
    for name in ("aidev_pop", "k8s_surveys"):
        if not (arguments.out / name / "organisation").is_dir():
            parser.error(f"{arguments.out} holds no {name}/organisation: convert that first")
    if not (arguments.data / POSTS).exists():
        parser.error(f"{arguments.data} holds no {POSTS}: give the folder of the incidents")
    written = {
        "incidents/events": events(arguments.data, arguments.clone),
        "organisation": organisation(arguments.out),
    }
    for part, tables in written.items():
        folder = arguments.out / part
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in tables.items():
            with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows(rows)
    print(f"Wrote {arguments.out}/incidents/events and {arguments.out}/organisation")


if __name__ == "__main__":
    main()
