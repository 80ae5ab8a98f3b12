"""R8 and R9: one instant is one instant, whatever clock tells it or stands on the wall here."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from model_lab import ModelLab

from orchestration.home import PROJECT, Home
from orchestration.landing.demo import write_demo
from orchestration.landing.files import land_files

ZONES = ("America/Los_Angeles", "Europe/Berlin", "Pacific/Auckland", "Asia/Kolkata")
# As sources write them, and what they are in UTC; None where nobody can know.
TIMES = {
    "2026-03-29T01:59:59+01:00": datetime(2026, 3, 29, 0, 59, 59),
    "2026-03-29T03:00:00+02:00": datetime(2026, 3, 29, 1),
    "2026-03-29T02:30:00": None,
    "2025-10-26T02:30:00+02:00": datetime(2025, 10, 26, 0, 30),
    "2025-10-26T02:30:00+01:00": datetime(2025, 10, 26, 1, 30),
    "2025-10-26T02:30:00": None,
    "2025-10-26T02:30:00 Europe/Berlin": None,
    "2024-02-29T23:59:59Z": datetime(2024, 2, 29, 23, 59, 59),
    "2025-02-29T12:00:00Z": None,
    "2021-01-03T23:30:00-08:00": datetime(2021, 1, 4, 7, 30),
    "2016-12-31T23:59:59Z": datetime(2016, 12, 31, 23, 59, 59),
    "2026-03-02 09:00:00+0530": datetime(2026, 3, 2, 3, 30),
}
LAND = (
    "import sys; from pathlib import Path; from orchestration.home import Home; "
    "from orchestration.landing.files import land_files; "
    "land_files(Home(Path(sys.argv[1])), Path(sys.argv[2]))"
)


@pytest.fixture(scope="module")
def models(
    compiled: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ModelLab]:
    """The models up to what is measured, over a small demo."""
    folder = tmp_path_factory.mktemp("clocks")
    write_demo(folder / "files", scale=0.05)
    land_files(Home(folder / "home"), folder / "files", is_demo=True)
    lab = ModelLab(compiled, folder / "home")
    yield lab
    lab.vault.close()


@pytest.mark.parametrize("zone", ZONES)
def test_times_land_as_the_instants_that_they_are(tmp_path: Path, zone: str) -> None:
    """On days of 23 and 25 hours, on a leap day and one that is none, at either end of a year."""
    folder = tmp_path / "extract"
    folder.mkdir()
    lines = [f"PAY-{place:02},{told}" for place, told in enumerate(TIMES)]
    (folder / "work_items.csv").write_text("\n".join(["work_item_id,created_at", *lines, ""]))
    (folder / "extract.csv").write_text("loaded_to\n2026-04-01T00:00:00+02:00\n")
    environment = {**os.environ, "TZ": zone, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-c", LAND, str(tmp_path / "home"), str(folder)]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True)
    with duckdb.connect(str(Home(tmp_path / "home").vault), read_only=True) as vault:
        landed = vault.execute("select * exclude (states_outcome) from raw_files.work_items")
        names = [column[0] for column in landed.description]
        rows = [dict(zip(names, row, strict=True)) for row in landed.fetchall()]
        marks = vault.execute("select loaded_to from door.connections").fetchall()
    times = {row["work_item_id"]: row["created_at"] for row in rows}
    assert times == {
        f"PAY-{place:02}": moment for place, moment in enumerate(TIMES.values()) if moment
    }
    assert marks == [(datetime(2026, 3, 31, 22),)]


def test_every_day_lies_in_the_week_period_and_quarter_of_its_iso_year(models: ModelLab) -> None:
    """Of forty years, leap years and years of 53 weeks among them, by Python's own calendar."""
    models.build("int_buckets")
    found = models.rows(
        "select bucket, bucket_start, bucket_end from flowgrain_vault.int_buckets order by all"
    )
    holder = {
        (bucket, begin + timedelta(days=day)): begin
        for bucket, begin, end in found
        for day in range((end - begin).days)
    }
    days = sum((end - begin).days for _, begin, end in found)
    assert len(holder) == days, "two buckets of one size hold a day"
    weeks_of: dict[int, int] = {}
    day, last = date(2000, 1, 3), date(2040, 1, 1)
    while day <= last:
        year, week, weekday = day.isocalendar()
        weeks_of[year] = max(weeks_of.get(year, 0), week)
        # 4-4-5 thrice and again: a 53rd week joins the last period.
        quarter = min((week - 1) // 13, 3)
        period = min((week - 1 - 13 * quarter) // 4, 2)
        expected = {
            "week": day - timedelta(days=weekday - 1),
            "period": date.fromisocalendar(year, 13 * quarter + 4 * period + 1, 1),
            "quarter": date.fromisocalendar(year, 13 * quarter + 1, 1),
        }
        assert {size: holder.get((size, day)) for size in expected} == expected, day
        day += timedelta(days=1)
    assert [year for year, weeks in weeks_of.items() if weeks == 53] == [
        2004, 2009, 2015, 2020, 2026, 2032, 2037,
    ]  # fmt: skip


def test_the_clock_of_the_session_moves_no_measure(models: ModelLab) -> None:
    """Weeks, stages and working hours are of UTC or of a calendar's zone, and of no other."""
    ends = ("int_change_measurements", "int_system_measurements", "int_working_days", "int_weeks")

    def told() -> list[list[tuple[Any, ...]]]:
        models.built.clear()
        models.build(*ends)
        return [
            models.rows(f"select row_of::varchar from flowgrain_vault.{name} as row_of order by 1")
            for name in ends
        ]

    before = told()
    assert all(before)
    try:
        for zone in ZONES:
            models.vault.execute(f"set TimeZone = '{zone}'")
            assert told() == before, zone
    finally:
        models.vault.execute("set TimeZone = 'UTC'")
