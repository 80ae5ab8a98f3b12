"""The time tree: ISO week, 4-4-5 period, 13-week quarter; the gate's own, not dbt's."""

from datetime import date, timedelta

# The first ISO week of each bucket in a year; a week 53 stays in the last one.
STARTS = {
    "week": tuple(range(1, 54)),
    "period": (1, 5, 9, 14, 18, 22, 27, 31, 35, 40, 44, 48),
    "quarter": (1, 14, 27, 40),
}
WEEK = timedelta(days=7)


def bucket_start(day: date, bucket: str) -> date:
    """Monday on which the bucket that holds the day begins."""
    iso = day.isocalendar()
    first_week = max(first for first in STARTS[bucket] if first <= iso.week)
    return date.fromisocalendar(iso.year, first_week, 1)


def bucket_end(day: date, bucket: str) -> date:
    """Monday after the bucket that holds the day: buckets are half-open."""
    start = bucket_start(day, bucket)
    end = start + WEEK
    while bucket_start(end, bucket) == start:
        end += WEEK
    return end


def is_last_week(day: date, bucket: str) -> bool:
    """Say whether the day lies in the last week of its bucket, where a stock is counted."""
    return day >= bucket_end(day, bucket) - WEEK
