"""R10: whatever happens to a change, its stages add up to its life, and none is negative."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_lab import ModelLab

MONDAY = datetime(2026, 3, 2)
HOUR = 3600
STAGES = ("dev", "review", "integration", "deploy")
# Events at hours from a Monday, and how many hours each stage must have; - where it is not known.
TIMELINES = {
    "the plain way": ("commit@9 open@11 approve@13 merge@14 deploy@20", "2 2 1 6"),
    "all in one moment": ("commit@9 open@9 approve@9 merge@9 deploy@9", "0 0 0 0"),
    "a draft is no review": (
        "commit@9 open@10 ready@15 approve@16 merge@17 deploy@18", "6 1 1 1"
    ),
    "a draft twice before anybody looked": (
        "commit@9 open@10 ready@12 draft@13 ready@15 approve@17 merge@18 deploy@19", "6 2 1 1"
    ),
    "a draft again after a review": (
        "commit@9 open@10 ready@11 changes@12 draft@13 ready@15 approve@16 merge@17 deploy@18",
        "2 5 1 1",
    ),
    "a review of a draft": (
        "commit@9 open@10 comment@11 ready@13 approve@14 merge@15 deploy@16", "1 4 1 1"
    ),
    "a second approval": (
        "commit@9 open@10 approve@11 commit@12 approve@14 merge@15 deploy@16", "1 4 1 1"
    ),
    "an approval after the merge": (
        "commit@9 open@10 comment@11 merge@13 approve@14 deploy@15", "1 1 2 2"
    ),
    "only comments": ("commit@9 open@10 comment@11 comment@13 merge@14 deploy@15", "1 3 1 1"),
    "a dismissed approval was one": (
        "commit@9 open@10 approve@11 dismiss@12 merge@13 deploy@14", "1 1 2 1"
    ),
    "nobody was asked and nobody looked": ("commit@9 open@10 merge@12 deploy@13", "1 0 2 1"),
    "asked and nobody looked": ("commit@9 open@10 request@10.5 merge@12 deploy@13", "1 2 0 1"),
    "a review before it was asked for": (
        "commit@9 open@10 approve@11 request@11.5 merge@12 deploy@13", "1 1 1 1"
    ),
    "a bot looked": ("commit@9 open@10 bot@11 merge@12 deploy@13", "1 0 2 1"),
    "who wrote it looked": ("commit@9 open@10 self@11 merge@12 deploy@13", "1 0 2 1"),
    "somebody looked whose account is gone": ("commit@9 open@10 ghost@11 merge@12 deploy@13",
                                              "1 0 2 1"),
    "squashed": ("commit@9 open@10 approve@11 merge@12 squash@12 deploy@13", "1 1 1 1"),
    "squashed, and its commits are gone": (
        "open@10 approve@11 merge@12 squash@12 deploy@13", "- 1 1 1"
    ),
    "merged by a commit of two parents": (
        "commit@9 open@10 approve@11 merge@12 mergecommit@8 deploy@13", "1 1 1 1"
    ),
    "rebased by a forced push": ("commit@9/13 open@14 approve@15 merge@16 deploy@17", "5 1 1 1"),
    "an old branch taken up again": (
        "commit@-1500/9 open@10 approve@11 merge@12 deploy@13", "1 1 1 1"
    ),
    "opened before its first commit": (
        "open@9 commit@11 approve@13 merge@14 deploy@15", "0 4 1 1"
    ),
    "a commit by a clock that is ahead": (
        "open@9 commit@20 approve@13 merge@14 deploy@15", "0 4 1 1"
    ),
    "a merge queue": ("commit@9 open@10 approve@11 merge@20 deploy@21", "1 1 9 1"),
    "deployed by name before its merge": (
        "commit@9 open@10 approve@11 merge@14 carried@13", "1 1 3 0"
    ),
    "deployed twice": ("commit@9 open@10 approve@11 merge@12 deploy@13 deploy@15", "1 1 1 1"),
    "first to staging, then in vain": (
        "commit@9 open@10 approve@11 merge@12 staging@13 failed@14 deploy@16", "1 1 1 4"
    ),
    "merged and not deployed": ("commit@9 open@10 approve@11 merge@12", "1 1 1 -"),
    "open": ("commit@9 open@10 comment@11", "1 - - -"),
    "closed and never merged": ("commit@9 open@10 changes@11 close@12", "1 - - -"),
    "closed, opened again and merged": (
        "commit@9 open@10 close@11 reopened@13 approve@14 merge@15 deploy@16", "1 4 1 1"
    ),
    "begun in the tracker": (
        "progress@7 commit@9 open@10 approve@11 merge@12 deploy@13", "3 1 1 1"
    ),
    "over a weekend": ("commit@97 open@98 approve@99 merge@100 deploy@170", "1 1 1 70"),
}  # fmt: skip
REVIEWS = {
    "approve": "approved", "changes": "changes_requested", "comment": "commented",
    "dismiss": "dismissed", "request": "review_requested", "ready": "ready_for_review",
    "draft": "converted_to_draft", "reopened": "reopened",
    "bot": "approved", "self": "commented", "ghost": "approved",
}  # fmt: skip
REVIEWERS = {"bot": "p1bot", "self": "p1ada", "ghost": None, "ready": "p1ada", "draft": "p1ada"}
EVENT = re.compile(r"(\w+)@(-?[\d.]+)(?:/([\d.]+))?")


@dataclass
class Tables:
    """Rows of the files contract that tell of some changes."""

    changes: list[dict[str, Any]] = field(default_factory=list)
    change_commits: list[dict[str, Any]] = field(default_factory=list)
    commits: list[dict[str, Any]] = field(default_factory=list)
    change_reviews: list[dict[str, Any]] = field(default_factory=list)
    change_work_items: list[dict[str, Any]] = field(default_factory=list)
    work_items: list[dict[str, Any]] = field(default_factory=list)
    work_item_transitions: list[dict[str, Any]] = field(default_factory=list)
    deployments: list[dict[str, Any]] = field(default_factory=list)

    def tell(self, number: int, events: list[tuple[str, datetime, datetime | None]]) -> None:
        """One change in a repository of its own."""
        own = {"repository": f"life/{number}", "change_id": "1"}
        change: dict[str, Any] = {**own, "author_key": "p1ada", "author_is_bot": False}
        self.changes.append(change)
        for place, (kind, moment, committed) in enumerate(events):
            sha = f"c{number}-{place}"
            if kind in ("commit", "squash", "mergecommit"):
                commit = {
                    "repository": own["repository"], "commit_sha": sha, "author_key": "p1ada",
                    "author_is_bot": False, "authored_at": moment,
                    "committed_at": committed or moment,
                    "parent_count": 2 if kind == "mergecommit" else 1,
                }  # fmt: skip
                self.commits.append(commit)
                self.change_commits.append({**own, "commit_sha": sha})
                if kind != "commit":
                    change["merge_commit"] = sha
            elif kind in REVIEWS:
                self.change_reviews.append(
                    {
                        **own,
                        "review_id": sha,
                        "kind": REVIEWS[kind],
                        "submitted_at": moment,
                        "reviewer_key": REVIEWERS.get(kind, "p1bo"),
                        "reviewer_is_bot": kind == "bot",
                    }
                )
            elif kind == "open":
                change["opened_at"] = moment
            elif kind == "merge":
                change |= {"merged_at": moment, "closed_at": moment}
                change.setdefault("merge_commit", f"m{number}")
            elif kind == "close":
                change["closed_at"] = moment
            elif kind == "progress":
                item = f"LIFE-{number}"
                self.change_work_items.append({**own, "work_item_id": item})
                self.work_items.append({"work_item_id": item, "created_at": moment})
                self.work_item_transitions.append(
                    {"work_item_id": item, "status": "In progress", "changed_at": moment}
                )
            else:
                self.deployments.append(
                    {
                        "deployment_id": sha,
                        "repository": own["repository"],
                        "environment": "staging" if kind == "staging" else "production",
                        "result": "failure" if kind == "failed" else "success",
                        "commit_sha": change["merge_commit"] if kind == "carried" else None,
                        "finished_at": moment,
                        "is_hotfix": False,
                        "is_rollback": False,
                    }
                )


@pytest.fixture(scope="module")
def models(
    compiled: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ModelLab]:
    """The models of a change's life over whatever is told."""
    lab = ModelLab(compiled, tmp_path_factory.mktemp("life") / "home")
    yield lab
    lab.vault.close()


def at(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def live(models: ModelLab, tables: Tables) -> dict[int, dict[str, tuple[int, ...]]]:
    """Of each change its stages: elapsed, working, active and waiting seconds."""
    for name, rows in vars(tables).items():
        models.vault.execute(f'delete from raw_files."{name}"')
        models.land(name, rows)
    models.loaded_to("2027-01-01")
    models.forget()
    models.build("system_paths", "int_change_stages")
    found: dict[int, dict[str, tuple[int, ...]]] = {}
    for key, stage, *seconds in models.rows(
        """
        select change_key, stage, wall_seconds, working_seconds, active_seconds, waiting_seconds
        from flowgrain_vault.int_change_stages
        """
    ):
        number = int(key.removeprefix("life/").removesuffix("!1"))
        found.setdefault(number, {})[stage] = tuple(seconds)
    return found


def test_stages_of_hand_written_timelines_are_as_expected(models: ModelLab) -> None:
    tables = Tables()
    for number, (told, _) in enumerate(TIMELINES.values()):
        events = [
            (kind, at(float(hours)), at(float(later)) if later else None)
            for kind, hours, later in EVENT.findall(told)
        ]
        tables.tell(number, events)
    found = live(models, tables)
    wrong = {}
    for number, (name, (_, expected)) in enumerate(TIMELINES.items()):
        stages = found.get(number, {})
        is_so = ["-" if s not in stages else f"{stages[s][0] / HOUR:g}" for s in STAGES]
        if is_so != expected.split():
            wrong[name] = (expected, " ".join(is_so))
    assert wrong == {}
    assert len(models.data_tests()) > 20
    assert models.failures() == []


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[str, datetime, datetime | None]]:
    """Events as a host lets them happen, in order, with the clocks of committers off by days."""
    clock = MONDAY + timedelta(minutes=draw(st.integers(0, 400 * 24 * 60)))
    events: list[tuple[str, datetime, datetime | None]] = []
    state = "new"
    legal = {
        "new": ("commit", "open", "open", "progress"),
        "draft": ("commit", "comment", "ready", "ready", "close"),
        "ready": (
            "commit", "comment", "changes", "approve", "request", "dismiss", "draft", "bot",
            "self", "ghost", "merge", "merge", "close",
        ),
        "closed": ("reopened", "comment"),
        "merged": ("comment", "approve", "staging", "failed", "deploy", "deploy"),
    }  # fmt: skip
    after = {"open": "ready", "ready": "ready", "draft": "draft", "close": "closed",
             "reopened": "ready", "merge": "merged"}  # fmt: skip
    for _ in range(draw(st.integers(1, 14))):
        kind = draw(st.sampled_from(legal[state]))
        if kind == "progress" and any(event[0] == "progress" for event in events):
            continue
        clock += timedelta(seconds=draw(st.sampled_from((0, 1, 59, 3599, 7300, 86_400, 300_001))))
        off = timedelta(hours=draw(st.sampled_from((0, 0, 0, -72, 30, -2000))))
        if kind == "commit":
            events.append((kind, clock + off, clock))
        else:
            events.append((kind, clock, None))
        state = after.get(kind, state)
        if kind == "open" and draw(st.booleans()):
            state = "draft"
    return events


@given(told=st.lists(lives(), min_size=25, max_size=25))
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
def test_stages_of_any_life_add_up_and_none_is_negative(
    models: ModelLab, told: list[list[tuple[str, datetime, datetime | None]]]
) -> None:
    tables = Tables()
    for number, events in enumerate(told):
        tables.tell(number, events)
    for number, stages in live(models, tables).items():
        events = told[number]
        assert min(min(seconds) for seconds in stages.values()) >= 0, events
        assert all(working <= wall for wall, working, _, _ in stages.values()), events
        merged = [moment for kind, moment, _ in events if kind == "merge"]
        deployed = [m for kind, m, _ in events if kind == "deploy" and merged and m >= merged[0]]
        # From ready on every boundary is the host's, so its clock says how long the rest took.
        known = [s for s in ("review", "integration", "deploy") if s in stages]
        assert known == (["review", "integration", "deploy"] if deployed else known[:2]), events
        if merged:
            ready = ready_of(events)
            until = min(deployed) if deployed else merged[0]
            elapsed = sum(stages[stage][0] for stage in known)
            assert elapsed == (until - ready).total_seconds(), events
        if "dev" in stages and merged:
            begun = begun_of(events)
            assert stages["dev"][0] == max((ready_of(events) - begun).total_seconds(), 0), events
    assert models.failures() == []


def ready_of(events: list[tuple[str, datetime, datetime | None]]) -> datetime:
    """When it was first up for review: by definition, and not by the query's way."""
    [opened] = [moment for kind, moment, _ in events if kind == "open"]
    merged = next(moment for kind, moment, _ in events if kind == "merge")
    looked = [
        moment
        for kind, moment, _ in events
        if kind in ("approve", "changes", "comment", "dismiss") and moment <= merged
    ]
    made = [
        moment
        for kind, moment, _ in events
        if kind == "ready" and (not looked or moment <= min(looked))
    ]
    approved = [m for kind, m, _ in events if kind == "approve" and m <= merged] or looked
    return min(max(made, default=opened), max(approved, default=merged), merged)


def begun_of(events: list[tuple[str, datetime, datetime | None]]) -> datetime:
    """When work on it began: its first commit, or the tracker if that is earlier."""
    [opened] = [moment for kind, moment, _ in events if kind == "open"]
    commits = [(moment, pushed or moment) for kind, moment, pushed in events if kind == "commit"]
    starts = [moment for kind, moment, _ in events if kind == "progress"]
    if commits:
        authored = min(moment for moment, _ in commits)
        is_old = opened - authored > timedelta(days=60)
        starts.append(min(pushed for _, pushed in commits) if is_old else authored)
    return min(starts)
