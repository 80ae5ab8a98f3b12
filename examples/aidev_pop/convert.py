"""Map the AIDev-pop data set to the files contract, and draft the organisation it needs.

The data set (pull requests opened by coding agents; Li, Zhang, Hassan, arXiv 2507.15003,
CC BY 4.0) is not part of this repository: give the folder with its Parquet files.

    python examples/aidev_pop/convert.py DATA OUT
"""

import argparse
import csv
from pathlib import Path

import duckdb

# Its newest event is of 2025-06-27.
LOADED_TO = "2025-06-28T00:00:00Z"

EVENTS = {
    "changes": """
        select
            repo as repository,
            cast(number as varchar) as change_id,
            "user" as author,
            created_at at time zone 'UTC' as opened_at,
            merged_at at time zone 'UTC' as merged_at,
            closed_at at time zone 'UTC' as closed_at,
            title
        from pull_requests
        order by repo, number
    """,
    # Reviews of changes that are not in the set have no repository: the door sets them aside.
    "change_reviews": """
        select
            pull_requests.repo as repository,
            cast(pull_requests.number as varchar) as change_id,
            'review-' || pr_reviews.id as review_id,
            lower(pr_reviews.state) as kind,
            pr_reviews."user" as reviewer,
            pr_reviews.submitted_at at time zone 'UTC' as submitted_at
        from pr_reviews
        left join pull_requests on pr_reviews.pr_id = pull_requests.pr_id
        union all
        select
            pull_requests.repo as repository,
            cast(pull_requests.number as varchar) as change_id,
            'comment-' || pr_comments.id as review_id,
            'commented' as kind,
            pr_comments."user" as reviewer,
            pr_comments.created_at at time zone 'UTC' as submitted_at
        from pr_comments
        left join pull_requests on pr_comments.pr_id = pull_requests.pr_id
        union all
        select distinct
            pull_requests.repo as repository,
            cast(pull_requests.number as varchar) as change_id,
            pr_timeline.event || '-' || epoch_ms(pr_timeline.created_at) as review_id,
            case pr_timeline.event
                when 'convert_to_draft' then 'converted_to_draft' else pr_timeline.event
            end as kind,
            null as reviewer,
            pr_timeline.created_at at time zone 'UTC' as submitted_at
        from pr_timeline
        inner join pull_requests on pr_timeline.pr_id = pull_requests.pr_id
        where pr_timeline.event in ('review_requested', 'ready_for_review', 'convert_to_draft')
        order by all
    """,
    # The commits of this set have no times: they say who wrote a change, not when it began.
    "change_commits": """
        select distinct
            pull_requests.repo as repository,
            cast(pull_requests.number as varchar) as change_id,
            pr_commits.sha as commit_sha
        from pr_commits
        inner join pull_requests on pr_commits.pr_id = pull_requests.pr_id
        order by all
    """,
    "commits": """
        select distinct
            pull_requests.repo as repository,
            pr_commits.sha as commit_sha,
            pr_commits.author,
            pr_commits.message
        from pr_commits
        inner join pull_requests on pr_commits.pr_id = pull_requests.pr_id
        order by all
    """,
}

# GitHub gives a person one account: each that wrote or reviewed something is declared as one's.
ACCOUNTS = """
    select account as alias, account as person
    from (
        select "user" as account from pull_requests
        union
        select "user" from pr_reviews
        union
        select "user" from pr_comments
        union
        select author from pr_commits
    ) as met
    where account is not null
    order by account
"""


def write_events(data: Path, out: Path) -> None:
    """One Parquet file per entity; `deployed` in this set is a preview, so there are none."""
    database = duckdb.connect()
    database.execute("set TimeZone = 'UTC'")
    for path in data.glob("*.parquet"):
        database.execute(f"create view \"{path.stem}\" as select * from '{path}'")
    out.mkdir(parents=True, exist_ok=True)
    for name, query in EVENTS.items():
        database.execute(f"copy ({query}) to '{out / name}.parquet' (format parquet)")
    database.execute(f"copy ({ACCOUNTS}) to '{out / 'identities.csv'}' (header)")
    (out / "extract.csv").write_text(f"loaded_to\n{LOADED_TO}\n")


def write_organisation(data: Path, out: Path) -> None:
    """System = repository, team = its owner, value stream = the agent that opened most there."""
    database = duckdb.connect()
    source = data / "pull_requests.parquet"
    owners = database.execute(
        f"""
        select split_part(repo, '/', 1) as owner, mode(agent order by agent) as agent
        from '{source}' group by owner order by owner
        """
    ).fetchall()
    repositories = [
        repo
        for (repo,) in database.execute(
            f"select distinct repo from '{source}' order by repo"
        ).fetchall()
    ]
    agents = sorted({agent for _, agent in owners})
    stream_of = {agent: f"vs_{place}" for place, agent in enumerate(agents, 1)}
    team_of = {owner: f"t_{place:03d}" for place, (owner, _) in enumerate(owners, 1)}
    system_of = {repo: f"s_{place:03d}" for place, repo in enumerate(repositories, 1)}
    tables: dict[str, tuple[tuple[str, ...], list[tuple[object, ...]]]] = {
        "value_streams": (
            ("value_stream_key", "value_stream_label"),
            [(stream_of[agent], f"Opened by {agent.replace('_', ' ')}") for agent in agents],
        ),
        "teams": (
            ("team_key", "team_label", "calendar_key"),
            # Owners may be people: their names stay out of the labels.
            [(key, f"Owner {place}", "default") for place, key in enumerate(team_of.values(), 1)],
        ),
        "team_value_streams": (
            ("team_key", "value_stream_key", "valid_from", "valid_to"),
            [(team_of[owner], stream_of[agent], None, None) for owner, agent in owners],
        ),
        "systems": (
            ("system_key", "system_label", "criticality", "is_revenue_critical"),
            [
                (key, f"Repository {place}", "low", "false")
                for place, key in enumerate(system_of.values(), 1)
            ],
        ),
        "system_paths": (
            ("repository", "path_prefix", "system_key", "valid_from", "valid_to"),
            [(repo, None, key, None, None) for repo, key in system_of.items()],
        ),
        "system_owners": (
            ("system_key", "team_key", "valid_from", "valid_to"),
            [(key, team_of[repo.split("/")[0]], None, None) for repo, key in system_of.items()],
        ),
        "calendars": (
            ("calendar_key", "time_zone", "weekday", "opens", "closes"),
            [("default", "UTC", weekday, "09:00", "17:00") for weekday in range(1, 6)],
        ),
        "holidays": (("calendar_key", "holiday_date"), []),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, (header, rows) in tables.items():
        with (out / f"{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)


def main() -> None:
    """Write `events/` and `organisation/` below the folder OUT."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path, help="folder with the Parquet files of the data set")
    parser.add_argument("out", type=Path, help="folder to write events/ and organisation/ into")
    arguments = parser.parse_args()
    if not (arguments.data / "pull_requests.parquet").exists():
        parser.error(f"{arguments.data} holds no pull_requests.parquet: give the data set's folder")
    write_events(arguments.data, arguments.out / "events")
    write_organisation(arguments.data, arguments.out / "organisation")
    print(f"Wrote {arguments.out}/events and {arguments.out}/organisation")


if __name__ == "__main__":
    main()
