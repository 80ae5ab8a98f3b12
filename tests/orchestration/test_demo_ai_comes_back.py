"""What demo.yml plants of AI assistants comes back through landing, models, floor and gate."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

import duckdb
import numpy as np
import pytest
from conftest import Lab

from orchestration.landing.demo import parameters, quarter_start

AI = parameters()["ai"]
ROLLOUTS: dict[str, date] = {t: quarter_start(q) for t, q in AI["rollouts"].items()}


@pytest.fixture(scope="module")
def marts(lab: Lab) -> Iterator[duckdb.DuckDBPyConnection]:
    """What readers see."""
    with lab.published() as connection:
        yield connection


def shares(
    marts: duckdb.DuckDBPyConnection, grain: str, zone: str = "all"
) -> dict[tuple[str, date], tuple[float, float, float]]:
    """Assisted share and its range, of each group and quarter in which it is told."""
    rows = marts.execute(
        """
        select grain_key, bucket_start, value, lower_bound, upper_bound from metric_observations
        where
            metric_key = 'ai_assisted_share' and grain = ? and slice_value = ?
            and bucket = 'quarter' and value is not null
        """,
        [grain, zone],
    ).fetchall()
    return {(key, start): tuple(map(float, told)) for key, start, *told in rows}


@pytest.mark.parametrize("zone", ["green", "yellow", "red"])
def test_before_any_rollout_zones_are_assisted_as_planted(
    marts: duckdb.DuckDBPyConnection, zone: str
) -> None:
    """Of the portfolio, in the quarters in which no team has the tools yet."""
    found = shares(marts, "portfolio", zone)
    before = [told for (_, start), told in found.items() if start < min(ROLLOUTS.values())]
    assert len(before) == min(AI["rollouts"].values()) - 1
    planted = AI["assisted_before"][zone]
    assert all(lower <= planted <= upper for _, lower, upper in before)


def test_teams_with_the_tools_are_assisted_more(marts: duckdb.DuckDBPyConnection) -> None:
    """Each one's whole range stands above its own of before, where both are told."""
    found = shares(marts, "team")
    compared = 0
    for (team, start), (_, lower, _) in found.items():
        if start >= ROLLOUTS.get(team, date.max):
            earlier = [told for (key, day), told in found.items() if key == team and day < start]
            before = [told for told in earlier if told[0] < 0.3]
            compared += bool(before)
            assert all(lower > upper for *_, upper in before), team
    assert compared >= len(ROLLOUTS)


def test_what_was_assisted_comes_back_more_often(marts: duckdb.DuckDBPyConnection) -> None:
    """Planted so; the pooled shares of all value streams and quarters that are told."""
    rows = marts.execute(
        """
        select slice_value, sum(numerator) / sum(denominator) from metric_observations
        where
            metric_key = 'reopened_rate' and slice = 'assistance' and grain = 'value_stream'
            and bucket = 'quarter' and status = 'ok'
        group by slice_value
        """
    ).fetchall()
    found = {half: float(share) for half, share in rows}
    assert set(found) == {"assisted", "unassisted"}
    assert found["assisted"] > 1.5 * found["unassisted"]


def test_zones_are_told_all_or_none(marts: duckdb.DuckDBPyConnection) -> None:
    """Somewhere all three, elsewhere none."""
    rows = marts.execute(
        """
        select grain, grain_key, bucket, bucket_start, count(*) filter (where status = 'ok')
        from metric_observations where slice = 'risk_zone' group by all
        """
    ).fetchall()
    assert {told for *_, told in rows} == {0, 3}


def impact(marts: duckdb.DuckDBPyConnection, stage: str) -> list[tuple[float, ...]]:
    """Effect and placebo of every team and quarter since its rollout, in working hours."""
    return marts.execute(
        """
        select effect_hours, is_effect, placebo_hours, is_placebo_silent from ai_process_impact
        where stage = ? and clock = 'working' and status = 'ok'
        """,
        [stage],
    ).fetchall()


def test_the_tools_make_dev_faster_and_review_slower(marts: duckdb.DuckDBPyConnection) -> None:
    """Planted as hours that move from the one to the other; and nothing moved before."""
    dev, review = impact(marts, "dev"), impact(marts, "review")
    quarters = parameters()["calendar"]["quarters"]
    assert len(dev) == len(review) == sum(quarters - q + 1 for q in AI["rollouts"].values())
    assert all(effect < 0 for effect, *_ in dev)
    assert all(effect > 0 for effect, *_ in review)
    assert sum(is_effect for _, is_effect, *_ in (*dev, *review)) >= len(dev)
    assert not [e for e, is_effect, *_ in dev if is_effect and e > 0]
    silent = [told for *_, placebo, told in (*dev, *review) if placebo is not None]
    assert len(silent) == len(dev) + len(review)
    assert sum(silent) >= 0.9 * len(silent)


def test_the_effect_is_that_of_a_hand_made_comparison(marts: duckdb.DuckDBPyConnection) -> None:
    """Of one team in its first quarter with the tools, from the published medians."""
    team, quarter = next(iter(AI["rollouts"].items()))
    before, after = quarter_start(quarter - 1), quarter_start(quarter)
    medians = {
        (key, start): float(value)
        for key, start, value in marts.execute(
            """
            select grain_key, bucket_start, value from metric_observations
            where
                metric_key = 'stage_time' and slice_value = 'dev' and slice = 'stage'
                and statistic = 'p50' and clock = 'working' and grain = 'team'
                and bucket = 'quarter' and status = 'ok'
            """
        ).fetchall()
    }
    without = {key for key, _ in medians if ROLLOUTS.get(key, date.max) > after}
    changes = np.array(
        [
            medians[key, after] - medians[key, before]
            for key in sorted(without)
            if {(key, before), (key, after)} <= medians.keys()
        ]
    )
    effect = medians[team, after] - medians[team, before] - changes.mean()
    spread = changes.std(ddof=1) * np.sqrt(1 + 1 / len(changes))
    ((told, lower, upper, count),) = marts.execute(
        """
        select effect_hours, effect_hours_lower, effect_hours_upper, control_team_count
        from ai_process_impact
        where grain_key = ? and bucket_start = ? and stage = 'dev' and clock = 'working'
        """,
        [team, after],
    ).fetchall()
    assert count == len(changes)
    assert float(told) == pytest.approx(effect, abs=0.051)
    # 97.5 % of Student's t with 8 degrees of freedom, from a printed table.
    assert count == 9
    assert float(upper - lower) / 2 == pytest.approx(2.306 * spread, abs=0.06)


def test_adoption_stands_beside_review_and_rework(marts: duckdb.DuckDBPyConnection) -> None:
    """Wherever the share of a group is told, its row says what the others are, or why not."""
    ((told, silent),) = marts.execute(
        """
        select
            count(*),
            count(*) filter (
                where review_wait_hours_status is null or rework_rate_status is null
            )
        from ai_impact where assisted_share is not null and grain != 'portfolio'
        """
    ).fetchall()
    assert told > 0
    assert silent == 0


# What is told of seats and use: by metric, group and quarter, its bounds; none where withheld.
Told = dict[tuple[str, date], tuple[float, float] | None]


def bounds(marts: duckdb.DuckDBPyConnection, metric: str) -> Told:
    """Bounds of a metric of each group and quarter from the first rollout on."""
    rows = marts.execute(
        """
        select grain_key, bucket_start, lower_bound, upper_bound from metric_observations
        where metric_key = ? and bucket = 'quarter' and bucket_start >= ?
        """,
        [metric, min(ROLLOUTS.values())],
    ).fetchall()
    return {
        (key, start): None if lower is None else (float(lower), float(upper))
        for key, start, lower, upper in rows
    }


def test_who_uses_a_seat_comes_back_as_a_band(marts: duckdb.DuckDBPyConnection) -> None:
    """Planted people ÷ planted seats of the first tool, however many tools and logins they have.

    Of the last quarter, in which all have their seats. No team has seats enough to be told of.
    """
    told = bounds(marts, "ai_adoption")
    seats: dict[str, int] = defaultdict(int)
    users: dict[str, int] = defaultdict(int)
    for team, count in AI["users"].items():
        most = max(licence["seats"] for licence in AI["licences"] if licence["team"] == team)
        for group in (team, parameters()["teams"][team]["stream"], "all"):
            seats[group] += most
            users[group] += count
    last = quarter_start(parameters()["calendar"]["quarters"])
    bands = {key: band for (key, start), band in told.items() if start == last and band is not None}
    for key, (lower, upper) in bands.items():
        assert lower <= users[key] / seats[key] < upper
        assert upper - lower == pytest.approx(0.2 if seats[key] >= 50 else 0.5)
    assert {"all", "vs_2"} <= bands.keys()
    assert not AI["users"].keys() & bands.keys()


def test_three_users_are_told_of_nowhere(marts: duckdb.DuckDBPyConnection) -> None:
    """Neither by their team and value stream nor by what all others leave of the portfolio."""
    told = bounds(marts, "ai_adoption")
    starts = {start for _, start in told}
    assert len(starts) == parameters()["calendar"]["quarters"] - min(AI["rollouts"].values()) + 1
    streams = {parameters()["teams"][team]["stream"] for team in AI["users"]}
    for start in starts:
        assert told["t_03", start] is told["vs_1", start] is None
        assert told["all", start] is not None
        assert sum(told[stream, start] is None for stream in streams) >= 2


def test_weeks_of_use_come_back(marts: duckdb.DuckDBPyConnection) -> None:
    """The portfolio's band holds planted users and weeks over planted seats."""
    last = quarter_start(parameters()["calendar"]["quarters"])
    band = bounds(marts, "ai_weekly_adoption")["all", last]
    seats = sum(row["seats"] for row in AI["licences"] if row["tool"] == "copilot")
    expected = AI["used_weeks"] * sum(AI["users"].values()) / seats
    assert band is not None
    assert band[0] <= expected < band[1]


def test_a_licence_that_ended_costs_its_days(marts: duckdb.DuckDBPyConnection) -> None:
    """In its last quarter t_08's second tool costs 45 of 91 days, and what it costs adds up."""
    told = bounds(marts, "ai_cost")
    last = quarter_start(parameters()["calendar"]["quarters"])
    chat = next(row for row in AI["licences"] if "ends" in row)
    copilot = next(row for row in AI["licences"] if row["team"] == chat["team"])
    expected = sum(
        row["seats"] * days * prices[-1] * 12 / 365
        for row, days in ((copilot, 91), (chat, chat["ends"]["after_days"]))
        for prices in [[p["price"] for p in AI["prices"] if p["tool"] == row["tool"]]]
    )
    assert told["t_08", last] == pytest.approx((expected, expected), abs=0.2)
    parts, whole = (told[key, last] for key in ("t_06", "vs_2"))
    assert parts is not None
    assert whole is not None
    assert whole[0] == pytest.approx(parts[0] + told["t_08", last][0])


def test_values_and_returns_hold_what_was_assumed(marts: duckdb.DuckDBPyConnection) -> None:
    """As a range that holds the planted use at either end of what a week of it may save."""
    last = quarter_start(parameters()["calendar"]["quarters"])
    returns, values, costs = (
        bounds(marts, metric) for metric in ("ai_return", "ai_value", "ai_cost")
    )
    told, value, cost = returns["all", last], values["all", last], costs["all", last]
    assert told is not None
    assert value is not None
    assert cost is not None
    weeks = 13 * AI["used_weeks"] * sum(AI["users"].values())
    assumed = AI["assumptions"][-1]
    for hours in (assumed["hours_saved_low"], assumed["hours_saved_high"]):
        expected = weeks * hours * assumed["hour_cost"]
        assert value[0] <= expected <= value[1]
        assert told[0] <= expected / cost[0] - 1 <= told[1]
