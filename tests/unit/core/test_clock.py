"""Moments and microseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from neonpay.core.clock import SystemClock, microseconds, moment


@pytest.mark.parametrize("at_us", [0, 1, -1, 999_999, 1_800_000_000_123_456, 253_402_300_799_999_999])
def test_a_moment_is_exact_to_the_microsecond(at_us: int) -> None:
    assert microseconds(moment(at_us)) == at_us


def test_a_moment_is_aware_and_utc() -> None:
    assert moment(0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert moment(0).utcoffset() == timedelta(0)


def test_one_moment_told_in_another_zone_is_the_same_microsecond() -> None:
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert microseconds(noon.astimezone(timezone(timedelta(hours=3)))) == microseconds(noon)


def test_a_naive_time_means_no_moment() -> None:
    naive = datetime(2026, 11, 20, 12, tzinfo=UTC).replace(tzinfo=None)
    with pytest.raises(TypeError):
        microseconds(naive)


def test_the_system_clock_counts_in_microseconds_and_not_backwards() -> None:
    clock = SystemClock()
    earlier, later = clock.now_us(), clock.now_us()
    assert earlier <= later
    assert datetime(2025, 1, 1, tzinfo=UTC) < moment(earlier) < datetime(2200, 1, 1, tzinfo=UTC)
