"""When backups are due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from neonpay.backup.schedule import schedule_of
from neonpay.errors import ConfigurationError

SUNDAY = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


def times(text: str, zone: str = "UTC", *, after: datetime = SUNDAY, count: int = 3) -> list[str]:
    schedule, found = schedule_of(text, zone), []
    for _ in range(count):
        after = schedule.next(after)
        found.append(after.strftime("%a %d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hourly", ["Sun 29 01:00", "Sun 29 02:00", "Sun 29 03:00"]),
        ("daily", ["Sun 29 03:00", "Mon 30 03:00", "Tue 31 03:00"]),
        ("weekly", ["Mon 30 03:00", "Mon 06 03:00", "Mon 13 03:00"]),
        ("monthly", ["Wed 01 03:00", "Fri 01 03:00", "Mon 01 03:00"]),
        ("6h", ["Sun 29 06:30", "Sun 29 12:30", "Sun 29 18:30"]),
        ("23:05", ["Sun 29 23:05", "Mon 30 23:05", "Tue 31 23:05"]),
        ("*/20 4-5 * * *", ["Sun 29 04:00", "Sun 29 04:20", "Sun 29 04:40"]),
        ("0 9 * * mon-fri", ["Mon 30 09:00", "Tue 31 09:00", "Wed 01 09:00"]),
        ("0 0 13 * 5", ["Fri 03 00:00", "Fri 10 00:00", "Mon 13 00:00"]),
        ("0 12 29 2 *", ["Tue 29 12:00", "Sun 29 12:00", "Fri 29 12:00"]),
        ("0 0 * * 7", ["Sun 05 00:00", "Sun 12 00:00", "Sun 19 00:00"]),
        ("3:05", ["Sun 29 03:05", "Mon 30 03:05", "Tue 31 03:05"]),
        ("0 9 * * Fri-Sun", ["Sun 29 09:00", "Fri 03 09:00", "Sat 04 09:00"]),
        ("0 3 1 jan,Jul *", ["Wed 01 03:00", "Fri 01 03:00", "Thu 01 03:00"]),
        ("0 0 1 mar-may *", ["Wed 01 00:00", "Fri 01 00:00", "Mon 01 00:00"]),
    ],
)
def test_a_schedule_says_when_it_is_due(text: str, expected: list[str]) -> None:
    assert times(text) == expected


def test_times_are_those_of_the_zone_through_summer_time() -> None:
    before = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
    assert times("30 2 * * *", "Europe/Berlin", after=before) == ["Sun 29 01:30", "Mon 30 00:30", "Tue 31 00:30"]
    autumn = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)
    assert times("30 2 * * *", "Europe/Berlin", after=autumn) == ["Sun 25 00:30", "Mon 26 01:30", "Tue 27 01:30"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "often",
        "0h",
        "25:00",
        "* * * *",
        "60 * * * *",
        "* * * * frd",
        "5-1 * * * *",
        "0 0 * * wed-mon",
        "0 0 1 sun *",
        "0 0 * * jan",
        "0 0 fri * *",
        "*/0 * * * *",
        "0 0 31 2 *",
    ],
)
def test_what_says_no_times_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="schedule is"):
        schedule_of(text)


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Europe/Berlin"):
        schedule_of("daily", "Mars/Olympus")


def test_the_next_time_is_always_later() -> None:
    schedule = schedule_of("*/15 * * * *", "America/New_York")
    at = datetime(2026, 10, 31, tzinfo=UTC)
    for _ in range(300):
        later = schedule.next(at)
        assert timedelta(0) < later - at <= timedelta(hours=1, minutes=15)
        at = later
