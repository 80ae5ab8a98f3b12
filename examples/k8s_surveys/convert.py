"""Map the contributor surveys of Kubernetes to the files contract, with a team for all of them.

The surveys (kubernetes/community, Apache-2.0) ask how often something blocks, from 1 (not a
problem) to 5 (frequently): items of the scale `problem`, which count as 6 less the answer.
Respondents have no team, so all of them are one; each is declared as one person, for their number
is all that is known of them.

    python examples/k8s_surveys/convert.py DATA OUT
"""

import argparse
import csv
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

SURVEY = "k8s_contributor_likert_long.csv"
TEAM, STREAM = "t_kubernetes", "vs_kubernetes"

# Start of what was asked, and the item of seeds/mapping/survey_items.csv that asks the same. Items
# of the scale of agreement are of 2019 only and ask for no driver of their own: they are left out.
ITEMS = {
    "Debugging test failures": "debugging_test_failures",
    "Finding issues to work on": "finding_work",
    "Finding appropriate issues to work on": "finding_work",
    "Code/Doc": "code_review_as_a_problem",
    "Having PRs rejected": "changes_rejected",
    "Communication": "communication",
    "Finding the right SIG": "finding_the_right_group",
    "Finding a/the right SIG": "finding_the_right_group",
    "Setting up dev": "setting_up_environment",
    "GH tools": "platform_tools",
    "GitHub tools": "platform_tools",
    "Our CI": "own_automation",
    "Writing documentation": "writing_documentation",
}
ORGANISATION = {
    "value_streams": (("value_stream_key", "value_stream_label"), (STREAM, "Kubernetes")),
    "teams": (
        ("team_key", "team_label", "calendar_key"),
        (TEAM, "Contributors to Kubernetes", "default"),
    ),
    "team_value_streams": (
        ("team_key", "value_stream_key", "valid_from", "valid_to"),
        (TEAM, STREAM, None, None),
    ),
    "systems": (("system_key", "system_label", "criticality", "is_revenue_critical"),),
    "system_paths": (("repository", "path_prefix", "system_key", "valid_from", "valid_to"),),
    "system_owners": (("system_key", "team_key", "valid_from", "valid_to"),),
    "calendars": (
        ("calendar_key", "time_zone", "weekday", "opens", "closes"),
        *(("default", "UTC", weekday, "09:00", "17:00") for weekday in range(1, 6)),
    ),
    "holidays": (("calendar_key", "holiday_date"),),
    "targets": (
        ("metric_key", "statistic", "clock", "grain", "grain_key", "target", "valid_from"),
    ),
}


def item_of(asked: str) -> str:
    """Item of the product that asks for what was asked; what it does not know stays as it is."""
    return next((item for start, item in ITEMS.items() if asked.startswith(start)), "not_mapped")


def events(data: Path) -> dict[str, list[tuple[object, ...]]]:
    """Rows of each entity, their header first: both waves and the answers on what blocks."""
    with (data / SURVEY).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    moments: dict[str, list[datetime]] = defaultdict(list)
    for row in rows:
        told = datetime.strptime(row["submitted_at"], "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC)
        moments[row["survey"]].append(told)
    waves = [(wave, min(times), max(times)) for wave, times in moments.items()]
    people = sorted({row["respondent_id"] for row in rows})
    return {
        # Until the quarter of the last wave is over.
        "extract": [("loaded_to",), (_text(max(end for *_, end in waves) + timedelta(days=150)),)],
        "identities": [("alias", "person"), *((who, who) for who in people)],
        "survey_waves": [
            ("wave_id", "opened_at", "closed_at"),
            *((wave, _text(start), _text(end)) for wave, start, end in waves),
        ],
        "survey_responses": [
            ("wave_id", "respondent", "team", "item", "score"),
            *(
                (row["survey"], row["respondent_id"], TEAM, item_of(row["driver"]), row["score"])
                for row in rows
                if row["question_group"] == "blocker"
            ),
        ],
    }


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def main() -> None:
    """Write `events/` and `organisation/` below the folder OUT."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path, help=f"folder with {SURVEY}")
    parser.add_argument("out", type=Path, help="folder to write events/ and organisation/ into")
    arguments = parser.parse_args()
    if not (arguments.data / SURVEY).exists():
        parser.error(f"{arguments.data} holds no {SURVEY}: give the folder of the surveys")
    for part, tables in (("events", events(arguments.data)), ("organisation", ORGANISATION)):
        folder = arguments.out / part
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in tables.items():
            with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows(rows)
    print(f"Wrote {arguments.out}/events and {arguments.out}/organisation")


if __name__ == "__main__":
    main()
