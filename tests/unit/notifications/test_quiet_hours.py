"""Quiet hours are those on the wall, whatever midnight and summer time do to them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from neonpay.notifications import QuietHours


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("begin", "end", "now", "over"),
    [
        ("22:00", "08:00", "2026-06-01 19:59", None),
        ("22:00", "08:00", "2026-06-01 20:00", "2026-06-02 06:00"),
        ("22:00", "08:00", "2026-06-02 05:59", "2026-06-02 06:00"),
        ("22:00", "08:00", "2026-06-02 06:00", None),
        ("13:00", "15:00", "2026-06-01 12:00", "2026-06-01 13:00"),
        ("22:00", "08:00", "2026-03-28 22:00", "2026-03-29 06:00"),  # an hour less to sleep
        ("22:00", "08:00", "2026-10-24 22:00", "2026-10-25 07:00"),  # and one more
        ("22:00", "02:30", "2026-03-29 00:10", "2026-03-29 01:30"),  # half past two is not there
        ("22:00", "02:30", "2026-10-25 00:10", "2026-10-25 00:30"),
        ("22:00", "02:30", "2026-10-25 01:10", "2026-10-25 01:30"),  # and comes twice
    ],
)
def test_quiet_hours_end_by_the_clock_on_the_wall(begin: str, end: str, now: str, over: str | None) -> None:
    found = QuietHours(begin, end, zone="Europe/Berlin").until(at(now))
    assert (None if found is None else found.astimezone(UTC)) == (None if over is None else at(over))
